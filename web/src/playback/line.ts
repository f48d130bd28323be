// Where a frame stands in recorded time. Presentation times of a session lie on one line; capture times say
// where that line lies in the world. Pure.

import type { Frame } from "../sealed/segment.ts";

/** A line that is off by more than this is laid anew, in microseconds. */
const DRIFT_US = 100_000;

/** Places the frames of one run on one line of time. */
export class Line {
  #session: number | null = null;
  #zeroUs = 0;
  readonly #timescales = new Map<string, number>();

  /** A segment of `session` begins. */
  begin(session: number): void {
    if (session !== this.#session) this.#zeroUs = Number.NaN;
    this.#session = session;
  }

  /** When `frame` is shown, in microseconds since 1970; `null` before the first picture of a session. */
  place(frame: Frame): number | null {
    if (frame.config !== null) this.#timescales.set(frame.track, frame.config.timescale);
    const timescale = this.#timescales.get(frame.track);
    if (timescale === undefined) return null;
    const offsetUs = (Number(frame.pts) * 1e6) / timescale;
    if (frame.track === "video") this.#lay(Number(frame.captured) * 1_000 - offsetUs);
    return Number.isNaN(this.#zeroUs) ? null : Math.round(this.#zeroUs + offsetUs);
  }

  #lay(zeroUs: number): void {
    const off = Math.abs(zeroUs - this.#zeroUs);
    if (Number.isNaN(this.#zeroUs) || off > DRIFT_US) this.#zeroUs = zeroUs;
  }
}
