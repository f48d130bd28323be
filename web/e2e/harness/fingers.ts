// One or two fingers on a touch screen, as the browser itself gets them from one. Chromium only: Firefox's driver has no
// fingers that stay down.

import type { CDPSession, Locator, Page } from "playwright-core";

/** Steps of a movement, so that it is one and no jump. */
const STEPS = 12;

/** Between two steps, in milliseconds. */
const STEP_MS = 16;

/** How long fingers rest before they leave, in milliseconds: nothing coasts. */
const REST_MS = 150;

interface Point {
  readonly x: number;
  readonly y: number;
}

export class Fingers {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Draws `target` along by so many pixels with one finger. */
  drag(target: Locator, dx: number): Promise<void> {
    return this.#move(target, (part) => [dx * part - dx / 2]);
  }

  /** Two fingers on `target` go from so many pixels apart to so many. */
  pinch(target: Locator, from: number, to: number): Promise<void> {
    return this.#move(target, (part) => {
      const apart = from + (to - from) * part;
      return [-apart / 2, apart / 2];
    });
  }

  /** `places` gives where fingers are, in pixels from the target's middle, for each part of the way from 0 to 1. */
  async #move(target: Locator, places: (part: number) => number[]): Promise<void> {
    const box = await target.boundingBox();
    if (!box) {
      throw new Error("what is to be touched has no place on the screen");
    }
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const points = (part: number): Point[] => places(part).map((dx) => ({ x: x + dx, y }));
    const session = await this.#page.context().newCDPSession(this.#page);
    await send(session, "touchStart", points(0));
    for (let step = 1; step <= STEPS; step += 1) {
      await this.#page.waitForTimeout(STEP_MS);
      await send(session, "touchMove", points(step / STEPS));
    }
    await this.#page.waitForTimeout(REST_MS);
    await send(session, "touchEnd", []);
    await session.detach();
  }
}

async function send(
  session: CDPSession,
  type: "touchStart" | "touchMove" | "touchEnd",
  points: readonly Point[],
): Promise<void> {
  const touchPoints = points.map((point, id) => ({ ...point, id }));
  await session.send("Input.dispatchTouchEvent", { type, touchPoints });
}
