// Sound and picture together. Rec. ITU-R BT.1359-1 (g): people notice sound that is more than 45 ms before or 125 ms behind
// its picture. Within that nothing is done. Sound that is further behind is waited for, but never so long that the picture
// gets old; sound that is before its picture is held.

/** How far sound may be before and behind its picture, in milliseconds. */
export const EARLY_MS = 45;
export const LATE_MS = 125;

/** Pictures wait until their sound is no later than this, in milliseconds: what is known of sound is known to 25 ms. */
const NEAR_MS = LATE_MS - 25;

/** A picture that is older than this, in milliseconds, waits for nothing: the rest of 150 ms is a display's and a frame's. */
export const MAX_AGE_MS = 110;

/** Nor does one wait longer than this, in milliseconds, whatever the clocks say. */
export const MAX_WAIT_MS = 100;

/** A picture that could be drawn. */
export interface Waiting {
  /** In how many milliseconds its sound is heard. */
  readonly soundMs: number;
  /** Since its capture. */
  readonly ageMs: number;
  /** Since it was decoded. */
  readonly waitedMs: number;
}

/** Whether a picture waits for its sound. */
export function waits({ soundMs, ageMs, waitedMs }: Waiting): boolean {
  return soundMs > NEAR_MS && ageMs < MAX_AGE_MS && waitedMs < MAX_WAIT_MS;
}

/** What pictures know of their sound. */
export interface SoundSide {
  /** In how many milliseconds sound of this presentation time (microseconds) is heard; `null`: nothing plays. */
  dueMs(timestamp: number): number | null;
  /** The picture of this presentation time is on the screen. */
  seen(timestamp: number): void;
}

/** A position older than this tells nothing any more, in milliseconds. */
const STALE_MS = 500;

/** How fast sound may fall behind what it was told to be: it is slowed by 4 % at most. */
const SLOWING = 0.04;

/** Where the speaker is, out of reports that may come late but never early. Local times in milliseconds. */
export class SoundClock {
  #leaps = 0;
  #at = 0;
  /** Position minus local time, in milliseconds; `null`: silence. */
  #lead: number | null = null;

  /** At `at` the position was told, in microseconds, and how often it has leapt. */
  tell(position: number | null, leaps: number, at: number): void {
    const lead = position === null ? null : position / 1_000 - at;
    const known = leaps === this.#leaps && lead !== null ? this.#lead : null;
    const least = known === null ? null : known - (at - this.#at) * SLOWING;
    this.#lead = least === null || lead === null ? lead : Math.max(lead, least);
    this.#leaps = leaps;
    this.#at = at;
  }

  /** Presentation time that is heard at `now`, in milliseconds; `null`: silence. */
  heard(now: number): number | null {
    if (this.#lead === null || now - this.#at > STALE_MS) return null;
    return this.#lead + now;
  }
}

/** Sound and picture are compared for so long before sound is held differently, in milliseconds. */
const JUDGE_MS = 8_000;

/** Sound is held for this at most, in milliseconds. */
const MAX_HOLD_MS = 400;

/** For how long sound is held so that it is not before its picture. */
export class SoundHold {
  #lates: number[] = [];
  #since: number | null = null;
  #ms: number;

  constructor(ms: number) {
    this.#ms = ms;
  }

  get ms(): number {
    return this.#ms;
  }

  /** A picture came on the screen whose sound is heard `soundMs` later; gives whether sound is held differently now. */
  note(soundMs: number, now: number): boolean {
    this.#since ??= now;
    this.#lates.push(soundMs);
    if (now - this.#since < JUDGE_MS) return false;
    const middle = this.#lates.sort((a, b) => a - b)[this.#lates.length >> 1] ?? 0;
    this.restart();
    const before = this.#ms;
    if (middle < -EARLY_MS || middle > EARLY_MS) {
      this.#ms = Math.max(0, Math.min(MAX_HOLD_MS, before - middle));
    }
    return this.#ms !== before;
  }

  /** What was compared is no more. */
  restart(): void {
    this.#since = null;
    this.#lates = [];
  }
}
