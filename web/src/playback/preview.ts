// Scrubbing: the keyframe at or before the moment under the finger, as fast as it can be had. Only the newest
// question counts; keyframes are kept as they are coded, so that going back over them is instant and small.

import type { Bytes } from "../domain/bytes.ts";
import { SealedError } from "../domain/errors.ts";
import type { DecodeProblem } from "../media/decoder.ts";
import { PictureDecoder } from "../media/decoder.ts";
import type { RecordedRequest } from "../sealed/recorded.ts";
import type { VideoConfig } from "../sealed/track.ts";
import type { FetchAll } from "./keys.ts";
import { keyOf } from "./keys.ts";
import { requestOf } from "./run.ts";
import type { Segment, SegmentIndex, Stream } from "./segments.ts";
import { endOf } from "./segments.ts";
import type { Vault } from "./vault.ts";

/** Keyframes that are kept, and their bytes. Coded they are small, and decoding one takes a few milliseconds. */
export const MAX_KEPT = 200;
const MAX_KEPT_BYTES = 12 * 1024 * 1024;

/** A decoder that gives nothing for so long does not give this picture, in milliseconds. */
const PATIENCE_MS = 1_500;

/** A decoded keyframe. Whoever gets it closes it. */
export interface Preview {
  /** When it was captured, in milliseconds since 1970. */
  readonly timeMs: number;
  readonly frame: VideoFrame;
}

/** A kept keyframe. */
interface Kept {
  readonly timeMs: number;
  readonly config: VideoConfig;
  readonly data: Bytes;
}

/** Where previews come from. */
export interface PreviewParts {
  readonly stream: Stream;
  readonly index: SegmentIndex;
  readonly request: RecordedRequest;
  readonly fetch: FetchAll;
}

/** Keyframe pictures of one stream. */
export class Previews {
  readonly #parts: PreviewParts;
  readonly #kept = new Map<number, Kept>();
  #keptBytes = 0;
  #decoder: PictureDecoder | null = null;
  #time = 0;
  #waiting: ((picture: VideoFrame | null) => void) | null = null;
  #asking: AbortController | null = null;
  /** Decoding is one at a time; a later question waits for an earlier one's decoder. */
  #decoding: Promise<unknown> = Promise.resolve();
  /** The browser does not decode this stream. */
  unplayable = false;

  constructor(parts: PreviewParts) {
    this.#parts = parts;
  }

  /** The picture for the moment `timeMs`; `null`: there is none, or a newer question overtook this one. */
  async at(timeMs: number): Promise<Preview | null> {
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    try {
      const segment = await this.#segment(timeMs, asking.signal);
      if (segment === null || asking.signal.aborted) return null;
      const key = this.#kept.get(segment.offset) ?? (await this.#fetch(segment, asking.signal));
      if (key === null) return null;
      this.#keep(segment, key);
      if (asking.signal.aborted) return null;
      return await this.#picture(key);
    } catch (error) {
      if (asking.signal.aborted || error instanceof SealedError) return null;
      throw error;
    }
  }

  close(): void {
    this.#asking?.abort();
    this.#decoder?.close();
    this.#waiting?.(null);
    this.#kept.clear();
  }

  async #segment(timeMs: number, signal: AbortSignal): Promise<Segment | null> {
    const { index } = this.#parts;
    const found = await index.glance(timeMs, signal);
    if (found === null) return null;
    // In a gap nothing is shown: the next recording may be hours away.
    if (found.startMs > timeMs + 1_000 || endOf(found) < timeMs - 1_000) return null;
    return await index.keyBefore(found);
  }

  async #fetch(segment: Segment, signal: AbortSignal): Promise<Kept | null> {
    const { stream, request, fetch } = this.#parts;
    const key = await keyOf(stream, segment, request, fetch, signal);
    if (key?.frame.config?.track !== "video") return null;
    const { config, data, captured } = key.frame;
    return { timeMs: Number(captured), config, data };
  }

  #keep(segment: Segment, key: Kept): void {
    if (!this.#kept.delete(segment.offset)) this.#keptBytes += key.data.length;
    this.#kept.set(segment.offset, key);
    for (const [offset, { data }] of this.#kept) {
      if (this.#kept.size <= MAX_KEPT && this.#keptBytes <= MAX_KEPT_BYTES) break;
      this.#keptBytes -= data.length;
      this.#kept.delete(offset);
    }
  }

  #picture(key: Kept): Promise<Preview | null> {
    const done = this.#decoding.then(() => this.#decode(key));
    this.#decoding = done.catch(() => undefined);
    return done;
  }

  async #decode({ timeMs, config, data }: Kept): Promise<Preview | null> {
    if (this.unplayable) return null;
    const decoder = this.#begin();
    // Times only have to grow, else the decoder leaves the picture out.
    this.#time += 1_000_000;
    const timestamp = this.#time;
    const frame = await new Promise<VideoFrame | null>((give) => {
      const timer = setTimeout(() => this.#waiting?.(null), PATIENCE_MS);
      this.#waiting = (given) => {
        clearTimeout(timer);
        this.#waiting = null;
        give(given);
      };
      decoder.push({ key: true, timestamp, data, config, decodeOffset: 0 });
    });
    return frame === null ? null : { timeMs, frame };
  }

  #begin(): PictureDecoder {
    this.#decoder ??= new PictureDecoder({
      picture: (frame) => this.#give(frame),
      problem: (problem) => this.#problem(problem),
    });
    return this.#decoder;
  }

  #give(frame: VideoFrame): void {
    if (this.#waiting === null) frame.close();
    else this.#waiting(frame);
  }

  #problem({ kind }: DecodeProblem): void {
    this.#decoder = null;
    this.unplayable = kind === "unsupported";
    this.#waiting?.(null);
  }
}

/** Previews of one stream. */
export function previewsOf(vault: Vault, stream: Stream): Previews {
  const epochs = vault.epochs(stream.camera);
  const request = requestOf({ site: vault.site, stream, epochs });
  return new Previews({ stream, index: vault.index(stream), request, fetch: vault.fetchAll });
}

/** Previews of a camera: from the first stream that has a picture there. */
export class CameraPreviews {
  readonly #streams: readonly Pick<Previews, "at" | "close">[];
  #asked = 0;

  constructor(streams: readonly Pick<Previews, "at" | "close">[]) {
    this.#streams = streams;
  }

  /** As `Previews.at`. */
  async at(timeMs: number): Promise<Preview | null> {
    this.#asked += 1;
    const asked = this.#asked;
    for (const stream of this.#streams) {
      const preview = await stream.at(timeMs);
      if (preview !== null || asked !== this.#asked) return preview;
    }
    return null;
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
  }
}
