// Segments: frames that were sealed one by one under a key that belongs to one segment only
// (docs/sealed-stream.md §4 and §5). Frames come out after their tag and place were checked, never before.

import type { Bytes } from "../domain/bytes.ts";
import { ascii, concat } from "../domain/bytes.ts";
import { demand, refuse } from "../domain/errors.ts";
import { expand } from "../domain/hkdf.ts";
import type { CameraId, EpochId, KeyId, SiteId } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";
import { Reader, Writer } from "../domain/wire.ts";
import type { Record, Rendition, Track } from "./record.ts";
import { chainAfter, codeOf, HEADER_LEN, hashOf, nameOf, RENDITIONS } from "./record.ts";
import type { Epoch, Scope } from "./scope.ts";
import { sameScope, scopeBytes } from "./scope.ts";
import type { TrackConfig } from "./track.ts";
import { decodeTrackConfig } from "./track.ts";

/** Largest access unit, event or picture in bytes. */
export const MAX_DATA = 8_323_072;

/** Largest track configuration inside a frame in bytes. */
export const MAX_CONFIG = 4_200;

const VERSION = 1;
const AES_256_GCM = 0x0002;

/** The clear start of a segment. It is believed once a frame opened or a manifest named its chain. */
export interface SegmentHeader {
  readonly scope: Scope;
  readonly rendition: Rendition;
  /** Counts up per stream. */
  readonly number: bigint;
  readonly salt: Bytes;
  /** Capture time of the first frame, in milliseconds since 1970. */
  readonly start: bigint;
  /** Times of segments with one session number are on one line. */
  readonly session: number;
  /** Chain at the end of the segment before; zero for the first. */
  readonly previous: Bytes;
  readonly sealer: KeyId;
}

/** What a frame record held. */
export interface Frame {
  readonly track: Track;
  /** Decoding can start here. A segment starts without it when it continues the one before. */
  readonly key: boolean;
  /** Its place in the segment. */
  readonly index: number;
  /** Milliseconds since 1970. */
  readonly captured: bigint;
  /** Presentation time in ticks of the track's timescale, on the session's line. */
  readonly pts: bigint;
  /** Decode time minus presentation time, never above zero. */
  readonly decodeOffset: number;
  /** The track's configuration where it starts or changes. */
  readonly config: TrackConfig | null;
  readonly data: Bytes;
}

/** What a close record says. */
export interface SegmentClose {
  readonly number: bigint;
  /** Capture time of the end, in milliseconds since 1970. */
  readonly end: bigint;
  /** Bytes of the segment's records before the close. */
  readonly bytes: bigint;
  readonly frames: number;
}

/** Reads a segment header record without believing it. */
export function decodeSegmentHeader(record: Record): SegmentHeader {
  demand(record.header.kind === "segment", "not-of-segment", "record kind");
  const input = new Reader(record.body);
  input.exactly("segment version", VERSION);
  demand(input.u16("aead") === AES_256_GCM, "unknown", "aead");
  const site = idOf<SiteId>(input.view("site", 16));
  const camera = idOf<CameraId>(input.view("camera", 16));
  const rendition = nameOf(RENDITIONS, input.u8("rendition"), "rendition");
  const epoch = idOf<EpochId>(input.view("epoch", 16));
  const header = {
    scope: { site, camera, epoch },
    rendition,
    number: input.u64("segment number"),
    salt: input.fixed("salt", 16),
    start: input.u64("start"),
    session: input.u32("session"),
    previous: input.fixed("previous", 32),
    sealer: idOf<KeyId>(input.view("sealer", 16)),
  };
  input.finish("segment");
  demand(rendition === record.header.rendition, "other-scope", "rendition");
  return header;
}

/** From which a segment's key is derived. */
export function segmentLabel({ scope, rendition, number, salt }: SegmentHeader): Bytes {
  const out = new Writer().fixed(ascii("bartizan/v1/segment")).fixed(scopeBytes(scope));
  return out.u8(codeOf(RENDITIONS, rendition)).u64(number).fixed(salt).bytes();
}

/**
 * Opens one segment. `admit` takes records in order, checks place and chain, and starts to decrypt;
 * what it gives resolves when the record was opened, so that many can be on their way at once.
 */
export class SegmentOpener {
  readonly header: SegmentHeader;
  /** The chain after the header record: names the segment in every tag. */
  readonly id: Bytes;
  readonly #key: CryptoKey;
  readonly #tracks = new Set<Track>();
  #chain: Bytes;
  #frames = 0;
  #bytes: number;
  #closed = false;

  private constructor(header: SegmentHeader, id: Bytes, key: CryptoKey, bytes: number) {
    this.header = header;
    this.id = id;
    this.#key = key;
    this.#chain = id;
    this.#bytes = bytes;
  }

  /** Starts with the segment's header record, under the epoch of a verified envelope. */
  static async begin(epoch: Epoch, record: Record): Promise<SegmentOpener> {
    const header = decodeSegmentHeader(record);
    demand(sameScope(header.scope, epoch.scope), "other-scope", "segment");
    demand(header.sealer === epoch.sealer.id, "not-the-sealer", "segment");
    const id = await hashOf(record);
    const raw = await expand(epoch.secret, segmentLabel(header), 32);
    const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
    raw.fill(0);
    return new SegmentOpener(header, id, key, HEADER_LEN + record.body.length);
  }

  /** Frames so far. */
  get frames(): number {
    return this.#frames;
  }

  /** The chain after the last record that was admitted. */
  get chain(): Bytes {
    return this.#chain;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Admits the next frame record. */
  async frame(record: Record): Promise<{ opened: Promise<Frame> }> {
    const { header } = record;
    this.#expectPlace(record, "frame");
    const first = !this.#tracks.has(header.track);
    demand(!first || header.config, "out-of-order", "configuration");
    const video = header.track === "video";
    demand(this.#frames > 0 || video, "out-of-order", "first frame");
    const opened = this.#open(record, record.body, this.#aad(record)).then((clear) =>
      readFrame(record, clear),
    );
    opened.catch(() => undefined); // Whoever awaits it is told; nobody has to.
    try {
      await this.#advance(record);
    } catch (error) {
      await opened; // A wrong tag says more than a wrong check.
      throw error;
    }
    this.#tracks.add(header.track);
    this.#frames += 1;
    return { opened };
  }

  /** Checks the close record: afterwards it is known that no frame is missing at the end. */
  async close(record: Record): Promise<SegmentClose> {
    this.#expectPlace(record, "close");
    const input = new Reader(record.body);
    const [number, end, bytes] = [
      input.u64("segment number"),
      input.u64("end"),
      input.u64("bytes"),
    ];
    const clear = input.before();
    const tag = input.view("tag", 16);
    input.finish("close");
    await this.#open(record, tag, concat(this.#aad(record), clear));
    demand(number === this.header.number, "forged", "segment number");
    demand(bytes === BigInt(this.#bytes), "forged", "segment bytes");
    await this.#advance(record);
    this.#closed = true;
    return { number, end, bytes, frames: this.#frames };
  }

  #expectPlace({ header }: Record, kind: "frame" | "close"): void {
    const fits = header.kind === kind && header.rendition === this.header.rendition;
    demand(fits, "not-of-segment", "record kind");
    demand(!this.#closed, "after-close", header.kind);
    demand(header.index === this.#frames, "out-of-order", "record index");
  }

  async #advance(record: Record): Promise<void> {
    this.#chain = await chainAfter(this.#chain, record);
    this.#bytes += HEADER_LEN + record.body.length;
  }

  #aad(record: Record): Bytes {
    return concat(this.id, record.covered);
  }

  async #open(record: Record, sealed: Bytes, additionalData: Bytes): Promise<Bytes> {
    const iv = new Uint8Array(12);
    iv.set(record.covered.subarray(4, 5));
    iv.set(record.covered.subarray(8, 12), 8);
    const algorithm = { name: "AES-GCM", iv, additionalData, tagLength: 128 };
    try {
      return new Uint8Array(await crypto.subtle.decrypt(algorithm, this.#key, sealed));
    } catch (cause) {
      return refuse("forged", record.header.kind, cause);
    }
  }
}

function readFrame({ header }: Record, clear: Bytes): Frame {
  const { track, key, index } = header;
  const input = new Reader(clear);
  const [captured, pts] = [input.u64("captured"), input.i64("pts")];
  const decodeOffset = input.i32("decode offset");
  demand(decodeOffset <= 0, "unknown", "decode offset");
  const config = header.config
    ? decodeTrackConfig(input.vec16("configuration", MAX_CONFIG), track)
    : null;
  const data = input.rest();
  demand(data.length <= MAX_DATA, "too-long", "data");
  return { track, key, index, captured, pts, decodeOffset, config, data };
}
