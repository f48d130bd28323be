// Where the segments of one stream lie in its sealed bytes: fetched ten minutes at a time, where something
// plays or is looked at, and kept in bounds. What has ended never changes; the newest block is asked anew.

import type { CameraId } from "../domain/id.ts";
import type { Rendition } from "../sealed/record.ts";

/** One segment, as the gateway lists it. */
export interface Segment {
  /** Capture time of its first frame, in milliseconds since 1970. */
  readonly startMs: number;
  readonly durationMs: number;
  /** First byte in the stream. */
  readonly offset: number;
  /** Bytes, manifests that follow it included. It grows while the segment runs. */
  readonly len: number;
  /** Bytes of its header and first keyframe; 0: it continues the segment before it. */
  readonly keyLen: number;
}

/** Asks the gateway: a path below /api/v1, and its answer. */
export type Get = <T>(path: string, signal?: AbortSignal) => Promise<T>;

/** One rendition of one camera. */
export interface Stream {
  readonly camera: CameraId;
  readonly rendition: Rendition;
}

/** The time that one block covers. */
export const BLOCK_MS = 600_000;

/** Blocks that are kept: more than five hours around what plays. */
export const MAX_BLOCKS = 32;

/** A block whose end is not this long past may still grow. */
const GROWING_MS = 30_000;

/** A growing block is not asked for more often than this. */
const REFRESH_MS = 700;

/** How far behind the moment a glance looks, in milliseconds. */
const GLANCE_MS = 1_000;

/** Pages of one block: 1,000 segments each. */
const MAX_PAGES = 12;

interface Block {
  readonly segments: readonly Segment[];
  /** When it was asked for; `null`: it can't change any more. */
  readonly askedMs: number | null;
}

interface Answer {
  readonly segments: readonly Segment[];
  readonly nextMs?: number;
}

/** The end of a segment, in milliseconds since 1970. */
export function endOf(segment: Segment): number {
  return segment.startMs + segment.durationMs;
}

/** The segments of one stream. */
export class SegmentIndex {
  readonly #get: Get;
  readonly #path: string;
  readonly #now: () => number;
  readonly #blocks = new Map<number, Promise<Block>>();
  /** The block of the last glance. */
  #glanced: number | null = null;

  constructor(get: Get, { camera, rendition }: Stream, now: () => number = Date.now) {
    this.#get = get;
    this.#path = `/cameras/${camera}/segments?rendition=${rendition}`;
    this.#now = now;
  }

  /** The segment in which `time` lies, else the first one after it; `null` when nothing is later. */
  async at(time: number): Promise<Segment | null> {
    const number = Math.floor(time / BLOCK_MS);
    const inside = (await this.#block(number)).segments.findLast(({ startMs }) => startMs <= time);
    if (inside !== undefined && time < endOf(inside)) return inside;
    if (inside === undefined) {
      const touching = await this.#first(time, Math.floor(time) + 1);
      if (touching !== undefined && time < endOf(touching)) return touching;
    }
    return await this.#firstFrom(time);
  }

  /**
   * As `at`, for somebody who passes by: in a block that is not known only what begins up to a second after `time` is
   * asked for, which `signal` ends; the second glance into a block in a row asks for all of it.
   */
  async glance(time: number, signal: AbortSignal): Promise<Segment | null> {
    const number = Math.floor(time / BLOCK_MS);
    const again = this.#glanced === number;
    this.#glanced = number;
    if (again || this.#blocks.has(number)) return await this.at(time);
    return (await this.#first(time, Math.floor(time) + GLANCE_MS, signal)) ?? null;
  }

  /** What comes behind `segment` as far as it needs no further question: the rest of its block. */
  async rest(segment: Segment): Promise<readonly Segment[]> {
    const { segments } = await this.#block(Math.floor(segment.startMs / BLOCK_MS));
    return segments.filter(({ offset }) => offset > segment.offset);
  }

  /** The segment behind `segment` in the stream; `null` at its end. */
  async next(segment: Segment): Promise<Segment | null> {
    const number = Math.floor(segment.startMs / BLOCK_MS);
    const { segments } = await this.#block(number);
    const here = segments.find(({ offset }) => offset > segment.offset);
    if (here !== undefined) return here;
    const next = (await this.#block(number + 1)).segments;
    const there = next.find(({ offset }) => offset > segment.offset);
    return there ?? (await this.#firstFrom((number + 2) * BLOCK_MS));
  }

  /** The segment as it is now: a running one may have grown. */
  async again(segment: Segment): Promise<Segment> {
    const { segments } = await this.#block(Math.floor(segment.startMs / BLOCK_MS));
    return segments.find(({ offset }) => offset === segment.offset) ?? segment;
  }

  /** The last segment up to `segment` that begins with a keyframe. */
  async keyBefore(segment: Segment): Promise<Segment | null> {
    if (segment.keyLen > 0) return segment;
    for (let back = 0; back < 3; back += 1) {
      const number = Math.floor(segment.startMs / BLOCK_MS) - back;
      const { segments } = await this.#block(number);
      const found = segments.findLast((each) => each.offset < segment.offset && each.keyLen > 0);
      if (found !== undefined) return found;
    }
    return null;
  }

  /** The segment that ends at or before `time`, at most ten minutes back. */
  async lastBefore(time: number): Promise<Segment | null> {
    for (const number of [0, 1].map((back) => Math.floor(time / BLOCK_MS) - back)) {
      const { segments } = await this.#block(number);
      const found = segments.findLast(({ startMs }) => startMs < time);
      if (found !== undefined) return found;
    }
    return null;
  }

  async #firstFrom(time: number): Promise<Segment | null> {
    const first = await this.#first(time, null);
    if (first === undefined) return null;
    const { segments } = await this.#block(Math.floor(first.startMs / BLOCK_MS));
    return segments.find(({ offset }) => offset === first.offset) ?? first;
  }

  async #block(number: number): Promise<Block> {
    const kept = this.#blocks.get(number);
    if (kept !== undefined) {
      this.#blocks.delete(number);
      this.#blocks.set(number, kept);
      const { askedMs } = await kept.catch(() => ({ askedMs: 0 }));
      if (askedMs === null || this.#now() - askedMs < REFRESH_MS) return await kept;
      // Whoever came in the meantime has asked already.
      if (this.#blocks.get(number) !== kept) return await (this.#blocks.get(number) ?? kept);
    }
    const asked = this.#load(number);
    this.#blocks.set(number, asked);
    this.#trim();
    return await asked;
  }

  async #load(number: number): Promise<Block> {
    const [from, to] = [number * BLOCK_MS, (number + 1) * BLOCK_MS];
    const now = this.#now();
    const segments = await this.#all(from, to);
    return { segments, askedMs: to + GROWING_MS < now ? null : now };
  }

  /** All segments that begin in `from … to`. */
  async #all(from: number, to: number): Promise<Segment[]> {
    const out: Segment[] = [];
    let start: number | undefined = from;
    for (let page = 0; start !== undefined && page < MAX_PAGES; page += 1) {
      const answer: Answer = await this.#ask(start, `&to=${to}`);
      const past = out.at(-1)?.offset ?? -1;
      const fresh = (segment: Segment) => segment.offset > past && segment.startMs >= from;
      out.push(...answer.segments.filter(fresh));
      start = answer.nextMs;
    }
    return out;
  }

  /** The first segment that touches `from … to`. */
  async #first(from: number, to: number | null, signal?: AbortSignal) {
    const until = to === null ? "" : `&to=${to}`;
    return (await this.#ask(from, `${until}&limit=1`, signal)).segments[0];
  }

  #ask(from: number, more: string, signal?: AbortSignal): Promise<Answer> {
    return this.#get(`${this.#path}&from=${Math.max(0, Math.floor(from))}${more}`, signal);
  }

  #trim(): void {
    for (const number of this.#blocks.keys()) {
      if (this.#blocks.size <= MAX_BLOCKS) return;
      this.#blocks.delete(number);
    }
  }
}
