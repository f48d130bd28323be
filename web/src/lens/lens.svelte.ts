// The lens over a picture: attached to the frame, it enlarges what in it is marked `data-lens`. Snapshots, exports and the small
// window always have the whole picture.

import { untrack } from "svelte";
import { LensTouch, wheeled } from "./touch.ts";
import type { LensView } from "./view.ts";
import { MIDDLE, moved, toggled, WHOLE } from "./view.ts";

/** How far an arrow key moves an enlarged picture, in frames. */
const STEP = 0.15;

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [STEP, 0],
  ArrowRight: [-STEP, 0],
  ArrowUp: [0, STEP],
  ArrowDown: [0, -STEP],
};

export class Lens {
  #view: LensView = $state.raw(WHOLE);
  #frame: HTMLElement | null = null;

  /** How often enlarged; 1 is the whole picture. */
  get scale(): number {
    return this.#view.scale;
  }

  /** The whole picture again. */
  reset(): void {
    this.#show(WHOLE);
  }

  /** Does what a key means: Z goes close and back, Shift with arrows moves. Tells whether it meant something. */
  press({ key, shiftKey }: KeyboardEvent): boolean {
    const arrow = shiftKey && this.scale > 1 ? ARROWS[key] : undefined;
    if (arrow !== undefined) this.#show(moved(this.#view, ...arrow));
    else if (key.toLowerCase() === "z") this.#show(toggled(this.#view, MIDDLE));
    else return false;
    return true;
  }

  /** For `{@attach lens.attach}` on the frame. */
  readonly attach = (frame: HTMLElement): (() => void) => {
    const touch = new LensTouch();
    const listening = new AbortController();
    const on = <K extends keyof HTMLElementEventMap>(
      kind: K,
      heard: (event: HTMLElementEventMap[K]) => void,
    ) => frame.addEventListener(kind, heard, { signal: listening.signal, passive: false });
    const told = (event: PointerEvent) => ({
      id: event.pointerId,
      x: event.clientX,
      y: event.clientY,
      time: event.timeStamp,
    });
    this.#frame = frame;
    untrack(() => this.#show(this.#view));
    on("pointerdown", (event) => {
      // Buttons over the picture are theirs alone.
      if (event.button !== 0 || (event.target as Element).closest("button, a") !== null) return;
      touch.down(told(event));
    });
    on("pointermove", (event) => {
      // A pointer that only passes by costs nothing.
      if (touch.isHeld) this.#show(touch.move(this.#view, this.#rect(), told(event)));
    });
    on("pointerup", (event) => {
      if (touch.isHeld) this.#show(touch.up(this.#view, this.#rect(), told(event)));
    });
    on("pointercancel", (event) => touch.cancel(event.pointerId));
    on("pointerleave", (event) => touch.cancel(event.pointerId));
    // Two fingers are ours from the start; else the browser may take them for scrolling, and says no more of them.
    const keep = (event: TouchEvent) => event.touches.length > 1 && event.preventDefault();
    on("touchstart", keep);
    on("touchmove", keep);
    on("wheel", (event) => {
      const { clientX: x, clientY: y, deltaY, ctrlKey: pinch } = event;
      const view = wheeled(this.#view, this.#rect(), { x, y, deltaY, pinch });
      if (view === this.#view) return;
      event.preventDefault();
      this.#show(view);
    });
    return () => {
      listening.abort();
      this.#frame = null;
    };
  };

  #rect(): DOMRect {
    return this.#frame?.getBoundingClientRect() ?? new DOMRect();
  }

  #show(view: LensView): void {
    this.#view = view;
    const frame = this.#frame;
    const picture = frame?.querySelector<HTMLElement>("[data-lens]");
    if (!frame || !picture) return;
    const whole = view.scale <= 1;
    picture.style.transformOrigin = "0 0";
    picture.style.transform = whole
      ? ""
      : `translate(${view.x * 100}%, ${view.y * 100}%) scale(${view.scale})`;
    // One finger scrolls the page over a whole picture, and moves one that is enlarged.
    frame.style.touchAction = whole ? "pan-y" : "none";
    frame.style.cursor = whole ? "" : "grab";
  }
}
