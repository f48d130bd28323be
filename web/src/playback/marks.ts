// What is known about the authenticity of recorded stretches: covered by the sealer's signature, or not and
// why. Pure and bounded; the timeline draws it.

import type { Problem } from "../sealed/report.ts";

/** Why a stretch is not what the sealer signed: kinds of findings, and refusals while opening. */
export type Fault = Problem["kind"] | "forged" | "not-for-me";

/** A stretch, in milliseconds since 1970. */
export interface Mark {
  readonly from: number;
  readonly to: number;
  /** `null`: verified. */
  readonly fault: Fault | null;
}

/** Marks of one camera that are kept. */
export const MAX_MARKS = 2_000;

/** Verified stretches with less between them than this are one. */
const JOINED_MS = 1_500;

/** The shortest stretch that a fault is shown as. */
const FAULT_MS = 1_000;

/** Marks of one stream, in order; faults stay once they are found. */
export class Marks {
  #verified: Mark[] = [];
  #faults: Mark[] = [];

  /** All marks: verified ones first, faults after them, so that these are drawn on top. */
  get all(): readonly Mark[] {
    return [...this.#verified, ...this.#faults];
  }

  /** Notes that `from … to` is verified. */
  verify(from: number, to: number): void {
    if (to <= from) return;
    const joins = (mark: Mark) => mark.to >= from - JOINED_MS && mark.from <= to + JOINED_MS;
    const joined = this.#verified.filter(joins);
    const mark = {
      from: Math.min(from, ...joined.map((each) => each.from)),
      to: Math.max(to, ...joined.map((each) => each.to)),
      fault: null,
    };
    const others = this.#verified.filter((each) => !joins(each));
    this.#verified = [...others, mark].sort((a, b) => a.from - b.from).slice(-MAX_MARKS);
  }

  /** Notes that `from … to` is not what the sealer signed. */
  blame(from: number, to: number, fault: Fault): void {
    const end = Math.max(to, from + FAULT_MS);
    const same = (mark: Mark) => mark.fault === fault && mark.from <= end && mark.to >= from;
    const joined = this.#faults.filter(same);
    const mark = {
      from: Math.min(from, ...joined.map((each) => each.from)),
      to: Math.max(end, ...joined.map((each) => each.to)),
      fault,
    };
    const others = this.#faults.filter((each) => !same(each));
    this.#faults = [...others, mark].sort((a, b) => a.from - b.from).slice(-MAX_MARKS);
  }

  /** What is known about the moment `time`. */
  at(time: number): Mark | null {
    const holds = (mark: Mark) => mark.from <= time && time < mark.to;
    return this.#worst(holds) ?? this.#verified.find(holds) ?? null;
  }

  /** What is wrong between these, if anything. */
  faultWithin(from: number, to: number): Fault | null {
    return this.#worst((mark) => mark.from < to && mark.to > from)?.fault ?? null;
  }

  /** Of several faults the one that explains the others. */
  #worst(holds: (mark: Mark) => boolean): Mark | undefined {
    return worstOf(this.#faults.filter(holds));
  }
}

/** Faults that explain others come first: what was changed is not as it was signed, either. */
const RANK: readonly Fault[] = [
  ...(["not-for-me", "no-envelope", "bad-envelope", "elsewhere", "malformed", "changed"] as const),
  ...(["forged", "repeated", "out-of-order", "missing", "cut-short", "bad-manifest"] as const),
  ...(["spliced", "broken-manifests", "silent", "not-as-signed", "unsigned"] as const),
];

/** Of several marks the fault that explains the others. */
export function worstOf(marks: readonly Mark[]): Mark | undefined {
  return marks.filter(({ fault }) => fault !== null).sort((a, b) => rank(a) - rank(b))[0];
}

function rank({ fault }: Mark): number {
  return fault === null ? RANK.length : RANK.indexOf(fault);
}
