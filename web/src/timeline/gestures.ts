// Fingers and pointers on the timeline: one drags, two pinch, a short touch points. Whoever pinches moves nothing, not even
// with the finger that stays last: the moment in the middle is what is zoomed on. It says what happened in pixels; what
// that means is the timeline's business.

/** What happened. */
export interface GestureEvents {
  /** A drag begins. */
  begin(): void;
  /** The content was dragged by so many pixels. */
  drag(dx: number): void;
  /** Two fingers: the span is to be `factor` times what it was. */
  pinch(factor: number): void;
  /** Let go of, at so many pixels a millisecond; 0 for a drag that had stopped. */
  end(velocity: number): void;
  /** A short touch at `x` pixels from the left. */
  tap(x: number): void;
}

/** Pixels that a touch may move and still be a short one. */
const TAP_PX = 6;

/** Over how long the speed at the end of a drag is measured, in milliseconds. */
const SPEED_MS = 80;

/** Follows the pointers of one element. Give it every pointer event. */
export class Gestures {
  readonly #events: GestureEvents;
  readonly #pointers = new Map<number, number>();
  #moved = 0;
  #dragging = false;
  #pinching = false;
  #trail: { time: number; x: number }[] = [];

  constructor(events: GestureEvents) {
    this.#events = events;
  }

  get isActive(): boolean {
    return this.#pointers.size > 0;
  }

  down(id: number, x: number, time: number): void {
    this.#pointers.set(id, x);
    if (this.#pointers.size > 1) {
      this.#pinching = true;
      return;
    }
    this.#moved = 0;
    this.#dragging = false;
    this.#pinching = false;
    this.#trail = [{ time, x: 0 }];
  }

  move(id: number, x: number, time: number): void {
    const before = this.#pointers.get(id);
    if (before === undefined) return;
    const apart = this.#apart();
    this.#pointers.set(id, x);
    if (apart > 0) this.#events.pinch(apart / this.#apart());
    if (!this.#pinching) this.#drag(x - before, time);
  }

  #drag(dx: number, time: number): void {
    this.#moved += Math.abs(dx);
    if (this.#moved <= TAP_PX && !this.#dragging) return;
    this.#begin();
    this.#events.drag(dx);
    const last = this.#trail.at(-1)?.x ?? 0;
    this.#trail = [
      ...this.#trail.filter((each) => time - each.time < SPEED_MS),
      { time, x: last + dx },
    ];
  }

  /** `x` as of the element's left edge. */
  up(id: number, x: number, time: number): void {
    if (!this.#pointers.delete(id) || this.#pointers.size > 0) return;
    if (this.#dragging) this.#events.end(this.#pinching ? 0 : this.#velocity(time));
    else if (!this.#pinching) this.#events.tap(x);
  }

  cancel(id: number): void {
    if (this.#pointers.delete(id) && this.#pointers.size === 0 && this.#dragging) {
      this.#events.end(0);
    }
  }

  #begin(): void {
    if (this.#dragging) return;
    this.#dragging = true;
    this.#events.begin();
  }

  /** Pixels between two fingers; 0 unless there are two. */
  #apart(): number {
    const [a, b] = [...this.#pointers.values()];
    return a === undefined || b === undefined ? 0 : Math.max(12, Math.abs(a - b));
  }

  #velocity(time: number): number {
    const trail = this.#trail.filter((each) => time - each.time < SPEED_MS);
    const [first, last] = [trail[0], trail.at(-1)];
    if (first === undefined || last === undefined || last.time <= first.time) return 0;
    return (last.x - first.x) / (last.time - first.time);
  }
}
