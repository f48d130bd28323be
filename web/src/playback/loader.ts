// Fetches the sealed bytes of one stream from a segment on, opens and checks them, and queues frames for the
// decoder with a bound on what is fetched ahead. What can't be opened is left out and said; it knows no decoder.

import type { Bytes } from "../domain/bytes.ts";
import { SealedError } from "../domain/errors.ts";
import type { Record } from "../sealed/record.ts";
import { Splitter } from "../sealed/record.ts";
import type { RecordedOpener, Step } from "../sealed/recorded.ts";
import type { Frame, SegmentHeader } from "../sealed/segment.ts";
import type { Channel } from "./channel.ts";
import type { Fault } from "./marks.ts";
import type { Segment, SegmentIndex, Stream } from "./segments.ts";
import { endOf } from "./segments.ts";
import type { Witness } from "./witness.ts";

/** Sealed bytes that are asked for at a time; a longer segment is asked for whole. */
const STRETCH = 2 * 1024 * 1024;

/** What a frame weighs beside its bytes, so that of small streams no more than 400 frames wait. */
const FRAME_WEIGHT = 16 * 1024;

/** Segments that follow each other closer than this leave no gap, in milliseconds. */
export const PAUSE_MS = 1_500;

/** At the end of what is recorded: how often it is asked for more. */
const END_POLL_MS = 1_000;

/** A segment's first keyframe. */
export interface KeyPicture {
  readonly header: SegmentHeader;
  readonly frame: Frame;
}

/** What comes out, in its order. */
export type Loaded =
  | { readonly kind: "segment"; readonly segment: Segment; readonly header: SegmentHeader }
  | { readonly kind: "frame"; readonly opened: Promise<Frame> }
  /** The first keyframe of a segment, without what follows it. */
  | { readonly kind: "key"; readonly segment: Segment; readonly opened: Promise<KeyPicture> }
  /** Nothing was recorded, or can't be opened, from … to. */
  | { readonly kind: "gap"; readonly fromMs: number; readonly toMs: number }
  /** Nothing more is recorded yet. */
  | { readonly kind: "end"; readonly atMs: number };

/** Asks for a range of sealed bytes. */
export type Fetch = (
  path: string,
  range: { start: number; end: number },
  signal: AbortSignal,
) => Promise<AsyncIterable<Uint8Array>>;

/** What a loader works with. */
export interface LoaderParts {
  readonly stream: Stream;
  readonly index: SegmentIndex;
  readonly opener: RecordedOpener;
  readonly witness: Witness;
  readonly fetch: Fetch;
  readonly out: Channel<Loaded>;
  readonly signal: AbortSignal;
}

/** One run over a stream. */
export class Loader {
  readonly #parts: LoaderParts;
  #splitter = new Splitter();
  #segment: Segment | null = null;
  /** The segment at hand can't be opened any further. */
  #refused = false;
  /** Where the next record of the segment begins is not known any more. */
  #lost = false;

  constructor(parts: LoaderParts) {
    this.#parts = parts;
  }

  /** Loads from the start of `first` on, until the signal aborts. */
  async run(first: Segment): Promise<void> {
    const { out, signal } = this.#parts;
    try {
      let stretch = await this.#stretch(first);
      while (!signal.aborted) {
        await this.#load(stretch, stretch[0]?.offset ?? 0);
        const last = stretch.at(-1) ?? first;
        const next = await this.#after(last);
        if (next === null) return;
        stretch = await this.#stretch(next);
      }
    } catch (error) {
      if (!signal.aborted) out.fail(error);
    } finally {
      out.close();
    }
  }

  /** The segments that are fetched together: those that lie side by side from `first` on, and are known already. */
  async #stretch(first: Segment): Promise<Segment[]> {
    const stretch = [first];
    let [last, bytes] = [first, first.len];
    for (const next of await this.#parts.index.rest(first)) {
      const beside = next.offset === last.offset + last.len && follows(last, next);
      if (!beside || bytes + next.len > STRETCH) break;
      stretch.push(next);
      bytes += next.len;
      last = next;
    }
    return stretch;
  }

  /** Waits for what comes behind `last`, and takes in what it grew by meanwhile. */
  async #after(last: Segment): Promise<Segment | null> {
    const { index, out, signal } = this.#parts;
    let [here, told] = [last, false];
    while (!signal.aborted) {
      const next = await index.next(here);
      const grown = await index.again(here);
      if (grown.len > here.len) {
        await this.#load([grown], here.offset + here.len);
        here = grown;
        continue;
      }
      if (next !== null) {
        await this.#leap(here, next);
        return next;
      }
      if (!told) await out.send({ kind: "end", atMs: endOf(here) }, 0);
      told = true;
      await sleep(END_POLL_MS, signal);
    }
    return null;
  }

  async #leap(last: Segment, next: Segment): Promise<void> {
    if (follows(last, next)) return;
    const gap = { kind: "gap", fromMs: endOf(last), toMs: next.startMs } as const;
    await this.#parts.out.send(gap, 0);
  }

  /** Fetches the bytes of `segments` from offset `start` on. */
  async #load(segments: readonly Segment[], start: number): Promise<void> {
    const { stream, fetch, signal } = this.#parts;
    const last = segments.at(-1);
    if (last === undefined) return;
    const path = `/cameras/${stream.camera}/data?rendition=${stream.rendition}`;
    let at = start;
    const waiting = [...segments];
    for await (const chunk of await fetch(path, { start, end: last.offset + last.len }, signal)) {
      let rest = chunk as Bytes;
      while (rest.length > 0) {
        if (waiting[0]?.offset === at) await this.#enter(waiting[0]);
        const end = (waiting[0]?.offset ?? at) + (waiting[0]?.len ?? rest.length);
        const piece = rest.subarray(0, end - at);
        await this.#bytes(piece);
        at += piece.length;
        rest = rest.subarray(piece.length);
        if (at >= end) waiting.shift();
      }
      if (signal.aborted) return;
    }
  }

  async #enter(segment: Segment): Promise<void> {
    const { witness } = this.#parts;
    if (this.#splitter.pending) witness.pushGarbage();
    this.#splitter = new Splitter();
    this.#refused = false;
    this.#lost = false;
    witness.enter(segment);
    this.#segment = segment;
  }

  async #bytes(piece: Bytes): Promise<void> {
    if (this.#lost) return;
    try {
      for (const record of this.#splitter.push(piece)) await this.#record(record);
    } catch (error) {
      if (!(error instanceof SealedError)) throw error;
      // Bytes that are no record: where the next one begins is known at the next segment only.
      this.#lost = true;
      this.#parts.witness.pushGarbage();
      await this.#refuse("malformed");
    }
  }

  async #record(record: Record): Promise<void> {
    const { opener, witness } = this.#parts;
    const manifest = record.header.kind === "manifest";
    // Both know the record from here on; neither needs to wait for the other.
    const step = this.#refused && !manifest ? null : opener.push(record);
    step?.catch(() => undefined); // It is awaited once the check is done.
    await witness.push(record);
    if (step === null) return;
    try {
      await this.#give(await step, record.body.length);
    } catch (error) {
      if (!(error instanceof SealedError)) throw error;
      if (manifest) return; // The witness says what is wrong with it.
      witness.blame(faultOf(error));
      await this.#refuse(null);
    }
  }

  async #give(step: Step, weight: number): Promise<void> {
    const { out } = this.#parts;
    const segment = this.#segment;
    if (step.kind === "segment" && segment !== null) {
      await out.send({ kind: "segment", segment, header: step.header }, 0);
    } else if (step.kind === "frame") {
      await out.send({ kind: "frame", opened: step.opened }, weight + FRAME_WEIGHT);
    }
  }

  /** The rest of the segment is left out. */
  async #refuse(fault: Fault | null): Promise<void> {
    const segment = this.#segment;
    this.#refused = true;
    if (fault !== null) this.#parts.witness.blame(fault);
    if (segment === null) return;
    const [fromMs, toMs] = [segment.startMs, endOf(segment)];
    await this.#parts.out.send({ kind: "gap", fromMs, toMs }, 0);
  }
}

/** Whether nothing that counts lies between two segments. */
export function follows(last: Segment, next: Segment): boolean {
  return next.startMs - endOf(last) < PAUSE_MS;
}

function faultOf({ code }: SealedError): Fault {
  if (code === "not-for-me") return "not-for-me";
  if (code === "forged" || code === "does-not-open" || code === "not-committed") return "forged";
  if (code === "wrong-check") return "changed";
  if (code === "broken-chain") return "spliced";
  if (code === "no-envelope" || code === "out-of-order") return code;
  return "bad-envelope";
}

/** Waits, or until the signal aborts. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((wake) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      wake();
    }
  });
}
