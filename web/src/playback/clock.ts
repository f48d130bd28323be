// The one clock of a group of cameras: which moment of the recording is shown now. Pure: the time of the
// machine is an argument. While it is held (a camera has no picture yet) it stands still.

/** Speeds that can be chosen. */
export const SPEEDS = [0.5, 1, 2, 4, 8, 16] as const;
export type Speed = (typeof SPEEDS)[number];

/** A clock of recorded time, in milliseconds since 1970. */
export class Clock {
  #time: number;
  #since: number;
  #speed: Speed = 1;
  #playing = false;
  #held = false;

  constructor(time: number, now: number) {
    this.#time = time;
    this.#since = now;
  }

  /** The moment that is shown at `now`. */
  at(now: number): number {
    if (!this.#playing || this.#held) return this.#time;
    return this.#time + Math.max(0, now - this.#since) * this.#speed;
  }

  get speed(): Speed {
    return this.#speed;
  }

  get playing(): boolean {
    return this.#playing;
  }

  get held(): boolean {
    return this.#held;
  }

  /** Jumps. */
  set(time: number, now: number): void {
    this.#time = time;
    this.#since = now;
  }

  play(playing: boolean, now: number): void {
    this.#settle(now);
    this.#playing = playing;
  }

  setSpeed(speed: Speed, now: number): void {
    this.#settle(now);
    this.#speed = speed;
  }

  /** Stands still, or goes on. */
  hold(held: boolean, now: number): void {
    if (held === this.#held) return;
    this.#settle(now);
    this.#held = held;
  }

  #settle(now: number): void {
    this.#time = this.at(now);
    this.#since = now;
  }
}
