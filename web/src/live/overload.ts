// What to do when a device decodes, or a network carries, slower than pictures come. Without a rule the delay grows
// without bound.

/** Units that may wait, and the delay that may grow, in milliseconds. */
export const MAX_QUEUE = 15;
export const MAX_LATE_MS = 500;

/** A hiccup is over after this time of decoding without drawing, in milliseconds; else it is no hiccup. */
export const HICCUP_MS = 700;

/** A key that is this near is waited for; further away, something else helps sooner. */
const NEAR_KEY_MS = 2_500;

/** Units that may wait while pictures are only decoded and not drawn. */
const MAX_BEHIND = 150;

/** A network that is so late, in milliseconds, does not catch up by itself. */
const FAR_MS = 3_000;

/** How a stream is doing. */
export interface Load {
  /** Units that wait. */
  readonly queued: number;
  readonly lateMs: number;
  /** Time to the next key as far as the last ones tell; infinite when nothing is known. */
  readonly toKeyMs: number;
  /** How long it has been behind. */
  readonly behindMs: number;
  /** A smaller rendition is there. */
  readonly hasSmaller: boolean;
}

/**
 * `draw`: as it comes. `catch-up`: decode without drawing. `drop`: everything up to the next key. `smaller`:
 * show the smaller rendition. `rejoin`: what waits on its way is left there.
 */
export type Remedy = "draw" | "catch-up" | "drop" | "smaller" | "rejoin";

/** What to do now. */
export function remedy({ queued, lateMs, toKeyMs, behindMs, hasSmaller }: Load): Remedy {
  if (queued <= MAX_QUEUE && lateMs <= MAX_LATE_MS) return "draw";
  if (queued <= 1) return lateNetwork(lateMs, hasSmaller);
  if (queued > MAX_BEHIND) return "drop";
  if (behindMs < HICCUP_MS) return "catch-up";
  if (toKeyMs <= NEAR_KEY_MS) return "drop";
  return hasSmaller ? "smaller" : "catch-up";
}

function lateNetwork(lateMs: number, hasSmaller: boolean): Remedy {
  if (lateMs <= FAR_MS) return "draw";
  return hasSmaller ? "smaller" : "rejoin";
}

/** After an overload the large rendition is tried again when so much time has passed, in milliseconds; twice as
    much after each further one. */
const RELIEF_MS = 30_000;
const MAX_RELIEF_MS = 480_000;

/** The time for which the smaller rendition is shown after an overload. */
export class Relief {
  #until = 0;
  #next = RELIEF_MS;

  begin(now: number): void {
    this.#until = now + this.#next;
    this.#next = Math.min(MAX_RELIEF_MS, this.#next * 2);
  }

  isOn(now: number): boolean {
    return now < this.#until;
  }

  /** Somebody asks for the large one. */
  end(): void {
    this.#until = 0;
  }
}
