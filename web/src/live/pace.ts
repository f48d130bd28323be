// How far behind a stream is. A joined stream comes as a burst of what was recorded since the last keyframe, and
// then as it happens; a camera's clock may be wrong by seconds. So two things tell that a picture is of now: the
// gateway's clock, or that pictures stopped coming faster than they were captured.

/** A picture that is no older than this when it comes is of now, in milliseconds. */
const FRESH_MS = 300;

/** Time over which arrival is compared with capture, in milliseconds. */
const SPAN_MS = 500;

/** How much of a delay counts as the camera's clock going wrong, for each millisecond: clocks drift by less. */
const DRIFT = 0.001;

interface Arrival {
  readonly at: number;
  readonly delay: number;
}

/** The pace of one stream. Times are local milliseconds, captures the gateway's made local. */
export class Pace {
  #arrivals: Arrival[] = [];
  /** The smallest delay so far, and when it was seen. */
  #smallest: Arrival | null = null;
  #live = false;

  /** Whether what comes now is what happens now. */
  get isLive(): boolean {
    return this.#live;
  }

  /** Notes a picture that came. */
  note(captured: number, at: number): void {
    const delay = at - captured;
    this.#arrivals.push({ at, delay });
    while ((this.#arrivals[0]?.at ?? at) < at - SPAN_MS) this.#arrivals.shift();
    if (!this.#live) this.#judge(at, delay);
    if (this.#live && delay <= this.#least(at)) this.#smallest = { at, delay };
  }

  /** How much later than the fastest pictures this one is, in milliseconds. */
  lateness(captured: number, now: number): number {
    return this.#smallest === null ? now - captured : now - captured - this.#least(now);
  }

  #least(now: number): number {
    if (this.#smallest === null) return Number.POSITIVE_INFINITY;
    return this.#smallest.delay + (now - this.#smallest.at) * DRIFT;
  }

  /** A new connection, or a hole. */
  reset(): void {
    this.#arrivals = [];
    this.#smallest = null;
    this.#live = false;
  }

  #judge(at: number, delay: number): void {
    const [first] = this.#arrivals;
    if (delay < FRESH_MS && delay > -FRESH_MS) this.#live = true;
    else if (first !== undefined && at - first.at >= SPAN_MS * 0.8) {
      // In a burst the delay shrinks; at the pace of capture it stands still.
      this.#live = first.delay - delay < (at - first.at) / 4;
    }
  }
}
