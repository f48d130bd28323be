// What the writer remembers of a track's samples: tables that grow with what changes, not with time.

import type { Bytes } from "../../domain/bytes.ts";
import type { MediaConfig } from "./entry.ts";
import { ticksOf } from "./entry.ts";

/** A chunk is closed when it would pass this many bytes … */
const CHUNK_BYTES = 1024 * 1024;

/** Longest time between two samples in ticks: players read longer ones as negative. */
export const MAX_DELTA = 0x7fff_ffff;

/** Largest sample in bytes. */
const MAX_SAMPLE = 8 * 1024 * 1024;

/** A longer time between two pictures is a gap, and no guide to how long the last picture lasts. */
const MAX_GUIDE_SECONDS = 2;

/** Pictures a second of a lone picture whose stream names no rate. */
const FALLBACK_RATE = 25;

/** Why something can't be put into the file. After a refusal the writer is as it was. */
export type Refusal =
  | "too-many-tracks"
  | "too-many-configs"
  | "too-many-samples"
  | "track-changed"
  | "not-key"
  | "sample-size"
  | "time"
  | "gap-too-long"
  | "empty";

/** A refusal of the writer. */
export class Mp4Error extends Error {
  override readonly name = "Mp4Error";
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal);
    this.refusal = refusal;
  }
}

/** One access unit on its way into the file. */
export interface Sample {
  /** Presentation and decode time in ticks: 0 is the same instant on every track, and `dts ≤ pts`. */
  readonly pts: number;
  readonly dts: number;
  readonly key: boolean;
  /** Place of its configuration. */
  readonly config: number;
  readonly data: Bytes;
}

/** A table of values with how often each repeats. */
export class Runs {
  readonly runs: [count: number, value: number][] = [];

  push(value: number): void {
    const last = this.runs.at(-1);
    if (last?.[1] === value) last[0] += 1;
    else this.runs.push([1, value]);
  }
}

interface Span {
  readonly firstPts: number;
  readonly firstDts: number;
  readonly lastPts: number;
  readonly lastDts: number;
  readonly lastDelta: number | null;
  endPts: number;
}

/** One track's index. */
export class Index {
  readonly entries: MediaConfig[];
  readonly sizes: number[] = [];
  readonly deltas = new Runs();
  readonly offsets = new Runs();
  /** Numbers of the keyframes, from 1. */
  readonly keys: number[] = [];
  readonly chunks: number[] = [];
  readonly chunkRuns: { firstChunk: number; samples: number; description: number }[] = [];
  mediaTicks = 0;
  #pending: { data: Bytes[]; bytes: number; config: number; firstDts: number } | null = null;
  #span: Span | null = null;
  #lastConfig = 0;
  #lastTicks: number | null = null;

  constructor(config: MediaConfig) {
    this.entries = [config];
  }

  get first(): MediaConfig {
    const [first] = this.entries;
    if (first === undefined) throw new Error("made with one entry");
    return first;
  }

  get span(): Readonly<Span> | null {
    return this.#span;
  }

  /** Takes a sample; gives the chunk that it does not fit into, which goes to file offset `at`. */
  push(sample: Sample, at: number): Bytes[] {
    const { dts, delta } = this.#check(sample);
    const out = this.#endsChunk(sample, dts) ? this.#flush(at) : [];
    if (delta !== null) this.#closeSample(delta);
    this.#pending ??= { data: [], bytes: 0, config: sample.config, firstDts: dts };
    this.#pending.data.push(sample.data);
    this.#pending.bytes += sample.data.length;
    this.sizes.push(sample.data.length);
    this.offsets.push(sample.pts - dts);
    if (sample.key) this.keys.push(this.sizes.length);
    this.#lastConfig = sample.config;
    this.#lastTicks = ticksOf(this.entries[sample.config] ?? this.first, sample.data);
    this.#moveOn(sample, dts, delta);
    return out;
  }

  /** Closes the last chunk and gives the last sample its length. */
  finish(at: number): Bytes[] {
    const out = this.#flush(at);
    if (this.#span !== null) this.#closeSample(this.#lastSampleTicks());
    return out;
  }

  #check({ pts, dts, key, config, data }: Sample): { dts: number; delta: number | null } {
    if (data.length === 0 || data.length > MAX_SAMPLE) throw new Mp4Error("sample-size");
    const begins = this.sizes.length === 0 || this.#lastConfig !== config;
    if (begins && this.first.track === "video" && !key) throw new Mp4Error("not-key");
    if (!Number.isSafeInteger(pts) || !Number.isSafeInteger(dts) || dts > pts) {
      throw new Mp4Error("time");
    }
    const span = this.#span;
    // Of equal times each is written one tick after the other.
    const decode = span === null ? dts : Math.max(dts, span.lastDts + 1);
    if (pts - decode > MAX_DELTA || decode - pts > MAX_DELTA) throw new Mp4Error("time");
    if (span === null) return { dts: decode, delta: null };
    const delta = decode - span.lastDts;
    if (delta > MAX_DELTA) throw new Mp4Error("gap-too-long");
    return { dts: decode, delta };
  }

  #endsChunk({ config, data }: Sample, dts: number): boolean {
    const pending = this.#pending;
    if (pending === null) return false;
    const long = dts - pending.firstDts >= this.first.timescale;
    return long || pending.config !== config || pending.bytes + data.length > CHUNK_BYTES;
  }

  #flush(at: number): Bytes[] {
    const pending = this.#pending;
    this.#pending = null;
    if (pending === null) return [];
    this.chunks.push(at);
    const [samples, description] = [pending.data.length, pending.config + 1];
    const last = this.chunkRuns.at(-1);
    if (last?.samples !== samples || last.description !== description) {
      this.chunkRuns.push({ firstChunk: this.chunks.length, samples, description });
    }
    return pending.data;
  }

  #closeSample(delta: number): void {
    this.deltas.push(delta);
    this.mediaTicks += delta;
    const span = this.#span;
    if (span !== null) span.endPts = Math.max(span.endPts, span.lastPts + delta);
  }

  #moveOn({ pts }: Sample, dts: number, delta: number | null): void {
    const before = this.#span ?? { firstPts: pts, firstDts: dts, endPts: pts };
    this.#span = { ...before, lastPts: pts, lastDts: dts, lastDelta: delta };
  }

  /** Sound knows its length; a picture lasts as long as the one before it. */
  #lastSampleTicks(): number {
    const { timescale, track } = this.first;
    const guide = timescale * MAX_GUIDE_SECONDS;
    const delta = this.#span?.lastDelta ?? null;
    const before = delta !== null && delta >= 2 && delta <= guide ? delta : null;
    const ticks = track === "video" ? (before ?? this.#lastTicks) : (this.#lastTicks ?? before);
    return Math.min(MAX_DELTA, Math.max(1, ticks ?? Math.floor(timescale / FALLBACK_RATE)));
  }
}
