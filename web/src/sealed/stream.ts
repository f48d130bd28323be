// One live or recorded stream of one camera's rendition, opened as its bytes arrive: for a worker behind a
// WebSocket. Whatever is refused ends the stream for good. A live viewer that was too slow is moved on to a later
// segment: it misses records, and is told so by `follows`. It knows no socket, decoder or clock.

import type { Bytes } from "../domain/bytes.ts";
import { equal } from "../domain/bytes.ts";
import { demand, refuse } from "../domain/errors.ts";
import type { CameraId, EpochId, Hash } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";
import type { ReaderKey } from "../identity/reader.ts";
import type { Roster } from "../identity/roster/state.ts";
import { sealerOf } from "../identity/roster/state.ts";
import type { Envelope } from "./envelope.ts";
import { decodeEnvelope, openEnvelope } from "./envelope.ts";
import { Heads } from "./heads.ts";
import type { HighWater } from "./highwater.ts";
import { checkCounter } from "./highwater.ts";
import type { Manifest } from "./manifest.ts";
import { decodeManifest, verifyManifest } from "./manifest.ts";
import type { Record, Rendition } from "./record.ts";
import { hashOf, Splitter } from "./record.ts";
import type { RosterHistory } from "./roster.ts";
import type { Epoch } from "./scope.ts";
import type { Frame, SegmentClose, SegmentHeader } from "./segment.ts";
import { decodeSegmentHeader, SegmentOpener } from "./segment.ts";

/** Bytes that were pushed and are not opened yet. */
export const MAX_PENDING = 64 * 1024 * 1024;

/** Epochs that are open at once; a live viewer gets up to 16 before the first picture. The oldest goes first. */
const MAX_EPOCHS = 16;

/** What the reader asked for, and what it believes. */
export interface StreamRequest {
  readonly camera: CameraId;
  readonly rendition: Rendition;
  readonly rosters: RosterHistory;
  readonly keys: readonly ReaderKey[];
  /**
   * The highest manifest that this app saw of this live stream. A stream that signs lower counters at later
   * times, or another manifest with this counter, was rolled back or replaced: it is refused.
   */
  readonly floor?: HighWater;
  /** Adds newer statements to `rosters`; asked once for each envelope under a head that they lack. */
  readonly lengthen?: () => Promise<void>;
}

/** What came out of the stream, in its order. */
export type Opened =
  | { readonly kind: "epoch"; readonly envelope: Envelope }
  | {
      readonly kind: "segment";
      readonly header: SegmentHeader;
      /** Whether it follows the one before without a hole; if not, a manifest tells the gap. */
      readonly follows: boolean;
    }
  | { readonly kind: "frame"; readonly segment: bigint; readonly frame: Frame }
  | { readonly kind: "close"; readonly close: SegmentClose }
  | {
      readonly kind: "manifest";
      readonly manifest: Manifest;
      /** Whether it is the one after the last that came; if not, the viewer was moved on. */
      readonly follows: boolean;
    };

/** Opens one stream. */
export class StreamOpener {
  readonly #request: StreamRequest;
  readonly #splitter = new Splitter();
  readonly #epochs = new Map<EpochId, { epoch: Epoch; envelope: Hash }>();
  readonly #heads = new Heads();
  #segment: SegmentOpener | null = null;
  #manifest: Manifest | null = null;
  #admission: Promise<unknown> = Promise.resolve();
  #delivery: Promise<unknown> = Promise.resolve();
  #pending = 0;
  #failure: unknown = null;

  constructor(request: StreamRequest) {
    this.#request = request;
  }

  /** The highest manifest that came. */
  get highWater(): HighWater | null {
    return this.#manifest;
  }

  /** Whether the stream has come as far as the app had seen it before. */
  get caughtUp(): boolean {
    const { floor } = this.#request;
    return floor === undefined || (this.#manifest?.counter ?? -1n) >= floor.counter;
  }

  /**
   * Takes the next bytes, however they are cut, and gives what they complete, in order. Calls may
   * overlap: decryption then runs ahead, and results still come in the order of the calls. When
   * anything is refused, this call and every later one rejects with the same `SealedError`.
   */
  push(chunk: Bytes): Promise<Opened[]> {
    this.#pending += chunk.length;
    const before = this.#delivery;
    const admitted = this.#admission.then(() => this.#admit(chunk));
    const delivered = this.#deliver(admitted, before, chunk.length);
    this.#admission = admitted.catch(() => undefined);
    this.#delivery = delivered.catch(() => undefined);
    return delivered;
  }

  async #deliver(
    admitted: Promise<Promise<Opened>[]>,
    before: Promise<unknown>,
    length: number,
  ): Promise<Opened[]> {
    try {
      const opened = await Promise.all(await admitted);
      await before;
      if (this.#failure !== null) throw this.#failure;
      return opened;
    } catch (error) {
      this.#failure ??= error;
      await before;
      throw this.#failure;
    } finally {
      this.#pending -= length;
    }
  }

  async #admit(chunk: Bytes): Promise<Promise<Opened>[]> {
    if (this.#failure !== null) throw this.#failure;
    const out: Promise<Opened>[] = [];
    try {
      demand(this.#pending <= MAX_PENDING, "overrun", "stream");
      for (const record of this.#splitter.push(chunk))
        out.push((await this.#record(record)).opened);
      return out;
    } catch (error) {
      this.#failure ??= error;
      throw error;
    }
  }

  /** Resolves when the record is admitted; `opened` resolves when its content may be given away. */
  async #record(record: Record): Promise<{ opened: Promise<Opened> }> {
    const { kind, rendition } = record.header;
    if (kind === "envelope") return done(await this.#envelope(record));
    demand(rendition === this.#request.rendition, "other-scope", "record rendition");
    if (kind === "segment") return done(await this.#begin(record));
    if (kind === "manifest") return done(await this.#readManifest(record));
    const segment = this.#segment ?? refuse("not-of-segment", "record kind");
    if (kind === "close") return done(await this.#close(segment, record));
    return await this.#frame(segment, record);
  }

  async #envelope(record: Record): Promise<Opened> {
    demand(record.header.rendition === "main", "unknown", "record rendition");
    const envelope = decodeEnvelope(record.body);
    const hash = idOf<Hash>(await hashOf(record));
    const { camera, rosters, keys } = this.#request;
    demand(envelope.scope.camera === camera, "other-scope", "envelope");
    demand(envelope.scope.site === rosters.current.site, "other-site", "envelope");
    const roster = await this.#rosterAt(envelope.rosterHead);
    const epoch = await openEnvelope(envelope, roster, keys);
    this.#epochs.delete(envelope.scope.epoch);
    this.#epochs.set(envelope.scope.epoch, { epoch, envelope: hash });
    const [oldest] = this.#epochs.keys();
    if (this.#epochs.size > MAX_EPOCHS && oldest !== undefined) this.#epochs.delete(oldest);
    return { kind: "epoch", envelope };
  }

  async #rosterAt(head: Hash): Promise<Roster> {
    const { rosters, lengthen } = this.#request;
    if (rosters.at(head) === undefined) await lengthen?.();
    return rosters.at(head) ?? refuse("other-roster", "envelope");
  }

  async #begin(record: Record): Promise<Opened> {
    const header = decodeSegmentHeader(record);
    this.#expectSite(header.scope);
    const { epoch } = this.#epochs.get(header.scope.epoch) ?? refuse("no-envelope", "segment");
    const fits = this.#followsLast(header);
    this.#segment = await SegmentOpener.begin(epoch, record);
    this.#heads.link(header.number, 0, this.#segment.chain);
    return { kind: "segment", header, follows: fits };
  }

  /** Refuses what can't come next; gives whether nothing lies between. */
  #followsLast(header: SegmentHeader): boolean {
    const last = this.#segment;
    if (last === null) return false;
    const { number } = last.header;
    demand(header.number > number, "out-of-order", "segment number");
    const ended = last.closed || this.#heads.isRecovered(number);
    if (!ended || header.number !== number + 1n) return false;
    demand(equal(header.previous, last.chain), "broken-chain", "segment");
    return true;
  }

  async #frame(segment: SegmentOpener, record: Record): Promise<{ opened: Promise<Opened> }> {
    const { opened } = await segment.frame(record);
    const { number } = segment.header;
    this.#heads.link(number, segment.frames, segment.chain);
    const out = opened.then((frame): Opened => ({ kind: "frame", segment: number, frame }));
    out.catch(() => undefined); // Whoever awaits the push is told.
    return { opened: out };
  }

  async #close(segment: SegmentOpener, record: Record): Promise<Opened> {
    const close = await segment.close(record);
    this.#heads.close(close.number, segment.chain);
    return { kind: "close", close };
  }

  async #readManifest(record: Record): Promise<Opened> {
    const manifest = await decodeManifest(record);
    this.#expectSite(manifest.scope);
    const open = this.#epochs.get(manifest.scope.epoch);
    const { camera, rosters } = this.#request;
    const sealer = open?.epoch.sealer ?? sealerOf(rosters.current, camera);
    await verifyManifest(manifest, sealer ?? refuse("not-the-sealer", "manifest"));
    const known = open === undefined || manifest.envelope === open.envelope;
    demand(known, "broken-chain", "envelope");
    const follows = checkCounter(manifest, this.#manifest, this.#request.floor);
    for (const head of manifest.heads) this.#heads.say(head);
    this.#manifest = manifest;
    return { kind: "manifest", manifest, follows };
  }

  #expectSite(scope: { readonly site: string; readonly camera: string }): void {
    const { camera, rosters } = this.#request;
    const mine = scope.site === rosters.current.site && scope.camera === camera;
    demand(mine, "other-scope", "record");
  }
}

function done(opened: Opened): { opened: Promise<Opened> } {
  return { opened: Promise.resolve(opened) };
}
