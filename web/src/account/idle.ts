// Locks after a time without a touch or key, in a tab that sleeps too: it compares times instead of counting on a
// timer, and looks again whenever the page wakes up. A clock that is put back counts as time gone by.

import { sabotaged, TEST_BUILD } from "./sabotage.ts";

/** Unless the owner chooses otherwise, in minutes. */
export const DEFAULT_IDLE_MINUTES = 15;

/** The longest that can be chosen: a day. */
export const MAX_IDLE_MINUTES = 1_440;

/** How often it looks, in milliseconds. */
const TICK_MS = 5_000;

/** How far a clock may be set back without locking, in milliseconds: time servers do that. */
const CLOCK_SLACK_MS = 60_000;

/** Marks of a person at the device. */
const ACTIVITY = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;

/** Moments at which a page may come back from sleep. */
const WAKING = ["visibilitychange", "pageshow", "resume", "focus"] as const;

/** Two clocks in milliseconds: one may stand still while the device sleeps, the other may be set. */
export interface Clocks {
  wall(): number;
  steady(): number;
}

/** What it tells. */
export interface AutoLockParts {
  onIdle(): void;
  /** A person is there; called with each event. */
  onActive(): void;
  readonly clocks?: Clocks;
  /** The window, or `null` where there is none. */
  readonly target?: EventTarget | null;
}

const BROWSER: Clocks = { wall: () => Date.now(), steady: () => performance.now() };

/** Calls `onIdle` once after the chosen time without activity. */
export class AutoLock {
  readonly #parts: AutoLockParts;
  readonly #clocks: Clocks;
  readonly #target: EventTarget | null;
  #limitMs = 0;
  #last = { wall: 0, steady: 0 };
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(parts: AutoLockParts) {
    this.#parts = parts;
    this.#clocks = parts.clocks ?? BROWSER;
    this.#target = parts.target ?? (typeof window === "undefined" ? null : window);
  }

  /** Begins, or goes on with another limit. */
  start(minutes: number): void {
    this.#limitMs = minutes * 60_000;
    this.touch();
    if (this.#timer !== null) return;
    this.#timer = setInterval(this.check, TICK_MS);
    const options = { passive: true, capture: true };
    for (const name of ACTIVITY) this.#target?.addEventListener(name, this.#act, options);
    for (const name of WAKING) this.#target?.addEventListener(name, this.check, { capture: true });
  }

  /** Ends. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    const options = { capture: true };
    for (const name of ACTIVITY) this.#target?.removeEventListener(name, this.#act, options);
    for (const name of WAKING) this.#target?.removeEventListener(name, this.check, options);
  }

  /** Somebody is there, here or in another tab. */
  touch(): void {
    this.#last = { wall: this.#clocks.wall(), steady: this.#clocks.steady() };
  }

  /** Looks whether the time is over. */
  readonly check = (): void => {
    if (this.#timer === null || !this.#isOver()) return;
    this.stop();
    this.#parts.onIdle();
  };

  #isOver(): boolean {
    const wall = this.#clocks.wall() - this.#last.wall;
    const steady = this.#clocks.steady() - this.#last.steady;
    if (TEST_BUILD && sabotaged("M-7")) return false;
    return Math.max(wall, steady) >= this.#limitMs || wall < -CLOCK_SLACK_MS;
  }

  /** The first touch after a sleep finds it locked, instead of waking it up. */
  readonly #act = (): void => {
    this.check();
    if (this.#timer === null) return;
    this.touch();
    this.#parts.onActive();
  };
}
