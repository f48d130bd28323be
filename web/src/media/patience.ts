// How much sound is held so that it never runs dry, and how fast it is played to hold no more than that. What counts is the
// least that was held lately: all of it was too much, whatever the size of packets or the unrest of the network.

/** What is left when the next packet comes at the latest, in milliseconds. */
export const RESERVE_MS = 15;

/** What running dry adds, and the most that it becomes, in milliseconds. */
const STEP_MS = 20;
const MAX_RESERVE_MS = 135;

/** After so much sound without running dry the reserve comes down by a step, in milliseconds. */
const CALM_MS = 30_000;

/** The least is looked for in so many spans of this length, in milliseconds. */
const SPAN_MS = 500;
const SPANS = 4;

/** What is this near is left alone, in milliseconds. */
const NEAR_MS = 5;

/** Sound is played faster or slower by this at most: two thirds of a semitone. */
const MAX_BEND = 0.04;

/** So much too much, in milliseconds, is gone after a second at a speed that is bent for it alone. */
const BEND_MS = 1_000;

/** Judges the depth of a ring. */
export class Patience {
  #reserve = RESERVE_MS;
  #calmMs = 0;
  #spanMs = 0;
  /** The least depth of each span, the running one last; as it would be if all of it were played at this place. */
  #least: number[] = [];
  /** What is held besides, in milliseconds, so that sound is not before its picture. */
  holdMs = 0;

  /** What is to be left at least, in milliseconds. */
  get wanted(): number {
    return this.#reserve + this.holdMs;
  }

  /** `ms` of sound are about to be played, while `depth` milliseconds are held. */
  note(depth: number, ms: number): void {
    this.#relax(ms);
    this.#spanMs += ms;
    const last = this.#least.pop() ?? depth;
    this.#least.push(Math.min(last, depth));
    if (this.#spanMs < SPAN_MS) return;
    this.#spanMs = 0;
    this.#least.push(depth);
    if (this.#least.length > SPANS) this.#least.shift();
  }

  /** What is held too much, in milliseconds; negative: too little. 0 while that is not known yet. */
  get surplus(): number {
    return this.#least.length < SPANS ? 0 : Math.min(...this.#least) - this.wanted;
  }

  /** How fast to play now. */
  get speed(): number {
    const { surplus } = this;
    if (Math.abs(surplus) < NEAR_MS) return 1;
    return 1 + Math.max(-MAX_BEND, Math.min(MAX_BEND, surplus / BEND_MS));
  }

  /** So many milliseconds more than time went by were taken out. */
  taken(ms: number): void {
    this.#least = this.#least.map((least) => least - ms);
  }

  /** Nothing is known of what comes now. */
  restart(): void {
    this.#least = [];
    this.#spanMs = 0;
  }

  /** It ran dry. */
  dry(): void {
    this.restart();
    this.#calmMs = 0;
    this.#reserve = Math.min(MAX_RESERVE_MS, this.#reserve + STEP_MS);
  }

  #relax(ms: number): void {
    this.#calmMs += ms;
    if (this.#calmMs < CALM_MS) return;
    this.#calmMs = 0;
    this.#reserve = Math.max(RESERVE_MS, this.#reserve - STEP_MS);
  }
}
