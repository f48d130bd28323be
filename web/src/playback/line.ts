// Where a frame stands in recorded time. Presentation times of a session lie on one line; capture times say
// where that line lies in the world. Pure.

import type { Frame } from "../sealed/segment.ts";

/** A line that is off by more than this is laid anew, in microseconds. */
const DRIFT_US = 100_000;

/** Sessions whose lines are remembered: a camera begins one whenever it connects. The oldest goes first. */
const MAX_SESSIONS = 256;

/**
 * Where the lines of a stream's sessions lie, for all runs over it: capture times tremble by some milliseconds, and a picture
 * that another run placed elsewhere would be taken for another one.
 */
export class Lines {
  readonly #zeros = new Map<number, number>();

  /** The moment at which presentation times of `session` are zero, in microseconds since 1970. */
  zero(session: number): number | null {
    return this.#zeros.get(session) ?? null;
  }

  /** A picture says that it is `zeroUs`. */
  lay(session: number, zeroUs: number): void {
    const known = this.#zeros.get(session);
    if (known !== undefined && Math.abs(zeroUs - known) <= DRIFT_US) return;
    this.#zeros.set(session, zeroUs);
    const [oldest] = this.#zeros.keys();
    if (this.#zeros.size > MAX_SESSIONS && oldest !== undefined) this.#zeros.delete(oldest);
  }
}

/** Places the frames of one run. */
export class Line {
  readonly #lines: Lines;
  #session = 0;
  readonly #timescales = new Map<string, number>();

  constructor(lines: Lines) {
    this.#lines = lines;
  }

  /** A segment of `session` begins. */
  begin(session: number): void {
    this.#session = session;
  }

  /** When `frame` is shown, in microseconds since 1970; `null` before the first picture of a session. */
  place({ track, config, pts, captured }: Frame): number | null {
    if (config !== null) this.#timescales.set(track, config.timescale);
    const timescale = this.#timescales.get(track);
    if (timescale === undefined) return null;
    const offsetUs = (Number(pts) * 1e6) / timescale;
    if (track === "video") this.#lines.lay(this.#session, Number(captured) * 1_000 - offsetUs);
    const zeroUs = this.#lines.zero(this.#session);
    return zeroUs === null ? null : Math.round(zeroUs + offsetUs);
  }
}
