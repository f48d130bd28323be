// Says what is at a moment: for the pointer what is wrong or missing there, for screen readers the time as well.

import { formatWith } from "../i18n/index.ts";
import type { Fault } from "../playback/marks.ts";
import { worstOf } from "../playback/marks.ts";
import type { Span } from "../playback/spans.ts";
import { holeIn } from "../playback/spans.ts";
import { faultText } from "../playback/words.ts";
import type { Row } from "./draw.ts";
import type { Bounds } from "./timeline.ts";

/** How far around a moment the ends of a hole are looked for at least, in milliseconds. */
const LEAST_REACH_MS = 3_600_000;

/** Where the answers come from. */
export interface TellerParts {
  rows(fromMs: number, toMs: number): readonly Row[];
  bounds(): Bounds;
  /** Why nothing was recorded in a hole of a row. */
  reason(row: number, fromMs: number, toMs: number): Promise<string>;
}

/** Finds words for moments. */
export class Teller {
  readonly #parts: TellerParts;

  constructor(parts: TellerParts) {
    this.#parts = parts;
  }

  /** What is wrong at `timeMs`, or why nothing was recorded; `null` when all is well, or it is not known. */
  async why(row: number, timeMs: number, spanMs: number): Promise<string | null> {
    const fault = this.#faultAt(row, timeMs);
    if (fault !== null) return faultText(fault);
    const hole = this.#holeAt(row, timeMs, spanMs);
    return hole === null ? null : await this.#parts.reason(row, hole.startMs, hole.endMs);
  }

  /** The moment in words, and what is missing there. */
  async say(timeMs: number, spanMs: number): Promise<string> {
    const time = formatWith(timeMs, { dateStyle: "medium", timeStyle: "medium" });
    const why = await this.why(0, timeMs, spanMs);
    return why === null ? time : `${time}. ${why}`;
  }

  #faultAt(row: number, timeMs: number): Fault | null {
    const marks = this.#parts.rows(timeMs - 1, timeMs + 1)[row]?.marks ?? [];
    return worstOf(marks.filter(({ from, to }) => from <= timeMs && timeMs < to))?.fault ?? null;
  }

  #holeAt(row: number, timeMs: number, spanMs: number): Span | null {
    const { fromMs, toMs } = this.#parts.bounds();
    if (timeMs < fromMs || timeMs > toMs) return null;
    const reach = Math.max(spanMs, LEAST_REACH_MS);
    const known = this.#parts.rows(timeMs - reach, timeMs + reach)[row];
    return known === undefined || known.isLoading ? null : holeIn(known.spans, timeMs, reach);
  }
}
