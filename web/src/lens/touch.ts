// Fingers, pointer and wheel over a picture: two fingers or the wheel enlarge, one moves what is enlarged, two short touches
// at one place go close and back. One finger on a whole picture is left to the page, which scrolls.

import type { LensView, Place } from "./view.ts";
import { moved, toggled, zoomed } from "./view.ts";

/** Two touches within this time and distance are a double one, in milliseconds and pixels. */
const DOUBLE_MS = 320;
const DOUBLE_PX = 28;

/** A touch that moves further is none, in pixels. */
const TAP_PX = 8;

/** What a pixel of the wheel enlarges by. */
const WHEEL = 0.003;

/** A frame on the screen, in pixels. */
export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** What of a pointer event counts. */
export interface Touch {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  readonly time: number;
}

/** Follows the pointers over one frame, and says what is to be seen then. */
export class LensTouch {
  readonly #pointers = new Map<number, Touch>();
  #travelled = 0;
  #tap: Touch | null = null;

  /** Whether a finger or a button is down. */
  get isHeld(): boolean {
    return this.#pointers.size > 0;
  }

  down(touch: Touch): void {
    if (this.#pointers.size === 0) this.#travelled = 0;
    this.#pointers.set(touch.id, touch);
    // A pinch is no touch.
    if (this.#pointers.size > 1) this.#travelled = Number.POSITIVE_INFINITY;
  }

  move(view: LensView, frame: Frame, touch: Touch): LensView {
    const before = this.#pointers.get(touch.id);
    if (before === undefined) return view;
    const [wasApart, wasMiddle] = this.#grip(frame);
    this.#pointers.set(touch.id, touch);
    const [apart, middle] = this.#grip(frame);
    this.#travelled += Math.hypot(touch.x - before.x, touch.y - before.y);
    const larger = wasApart > 0 ? zoomed(view, apart / wasApart, wasMiddle) : view;
    return moved(larger, middle.x - wasMiddle.x, middle.y - wasMiddle.y);
  }

  up(view: LensView, frame: Frame, touch: Touch): LensView {
    if (!this.#pointers.delete(touch.id) || this.#pointers.size > 0) return view;
    const last = this.#tap;
    this.#tap = this.#travelled <= TAP_PX ? touch : null;
    if (last === null || this.#tap === null || touch.time - last.time > DOUBLE_MS) return view;
    if (Math.hypot(touch.x - last.x, touch.y - last.y) > DOUBLE_PX) return view;
    this.#tap = null;
    return toggled(view, placeIn(frame, touch));
  }

  cancel(id: number): void {
    // A finger that has left already is told once more.
    if (this.#pointers.delete(id)) this.#tap = null;
  }

  /** How far two fingers are apart in pixels (0 unless there are two), and the middle of all. */
  #grip(frame: Frame): [number, Place] {
    const touches = [...this.#pointers.values()];
    const count = Math.max(1, touches.length);
    const x = touches.reduce((sum, touch) => sum + touch.x, 0) / count;
    const y = touches.reduce((sum, touch) => sum + touch.y, 0) / count;
    const [a, b] = touches;
    const apart = a && b ? Math.max(16, Math.hypot(a.x - b.x, a.y - b.y)) : 0;
    return [apart, placeIn(frame, { x, y })];
  }
}

/** What the wheel makes of a view; on a whole picture only with Ctrl (a touchpad's pinch is told so), for the page scrolls. */
export function wheeled(
  view: LensView,
  frame: Frame,
  wheel: { x: number; y: number; deltaY: number; pinch: boolean },
): LensView {
  if (view.scale <= 1 && !wheel.pinch) return view;
  const factor = Math.exp(-Math.max(-200, Math.min(200, wheel.deltaY)) * WHEEL);
  return zoomed(view, wheel.pinch ? factor ** 3 : factor, placeIn(frame, wheel));
}

function placeIn(frame: Frame, { x, y }: { x: number; y: number }): Place {
  return {
    x: (x - frame.left) / Math.max(1, frame.width),
    y: (y - frame.top) / Math.max(1, frame.height),
  };
}
