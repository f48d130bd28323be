// The gateway's clock as this browser sees it: the offset is taken from the answer that came fastest. Ages of
// pictures are told by it, whatever this device's own clock says.

/** An answer: what the gateway's clock said, between asking and getting, in milliseconds. */
export interface ClockSample {
  readonly gateway: number;
  readonly asked: number;
  readonly got: number;
}

/** After this time a slower answer counts again: clocks drift. */
const FORGET_MS = 600_000;

/** Milliseconds since 1970 by this device's clock, finer than `Date.now()` and never going back. */
export function localNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Turns local times into the gateway's. */
export class GatewayClock {
  #offset = 0;
  #roundTrip = Number.POSITIVE_INFINITY;
  #at = 0;

  /** Gateway time minus local time, in milliseconds. */
  get offset(): number {
    return this.#offset;
  }

  /** How wrong the offset may be, in milliseconds; infinite while nothing was asked. */
  get error(): number {
    return this.#roundTrip / 2;
  }

  sample({ gateway, asked, got }: ClockSample): void {
    const roundTrip = got - asked;
    if (roundTrip > this.#roundTrip && got - this.#at < FORGET_MS) return;
    this.#offset = gateway - (asked + got) / 2;
    this.#roundTrip = roundTrip;
    this.#at = got;
  }

  /** The gateway's time at a local time, in milliseconds since 1970. */
  at(local: number): number {
    return local + this.#offset;
  }
}
