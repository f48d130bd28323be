// Watches pictures from within the page, so that the way to the test costs no time: every picture that a canvas comes to
// show is noted with the moment at which it was first seen. Installed by [`watchPictures`]; runs in the page.

import type { BrowserContext, Page } from "playwright-core";
import { readStamp, type Stamp } from "./stamp.ts";

/** A picture when it was first seen. */
export interface Sighting {
  /** Milliseconds on the page's own clock. */
  readonly at: number;
  /** Which canvas: their order of appearance. */
  readonly canvas: number;
  readonly frame: number;
  readonly captured: number;
  readonly ageMs: number;
  readonly width: number;
}

interface Watch {
  sightings: Sighting[];
  /** When the last pointer or key event came that [`mark`] waits for. */
  marked: number | undefined;
  /** Canvases that had been seen by then. */
  known: number;
  canvases: Element[];
}

interface Watching {
  readStamp(source: Element): Stamp | null;
  pictureWatch: Watch;
}

/** Runs in each page before its own scripts. */
function install(): void {
  const page = globalThis as unknown as Watching;
  const canvases: Element[] = [];
  const watch: Watch = { sightings: [], marked: undefined, known: 0, canvases };
  page.pictureWatch = watch;
  const last = new WeakMap<Element, number>();
  const look = (canvas: Element): void => {
    if (!canvases.includes(canvas)) {
      canvases.push(canvas);
    }
    const stamp = page.readStamp(canvas);
    if (stamp && last.get(canvas) !== stamp.frame) {
      last.set(canvas, stamp.frame);
      const { frame, captured, ageMs, width } = stamp;
      const at = performance.now();
      watch.sightings.push({ at, canvas: canvases.indexOf(canvas), frame, captured, ageMs, width });
    }
  };
  const step = (): void => {
    for (const canvas of document.querySelectorAll("canvas")) {
      look(canvas);
    }
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

/** Begins to watch in every page of `context` that is opened from now on. */
export async function watchPictures(context: BrowserContext): Promise<void> {
  await context.addInitScript(`globalThis.readStamp = ${readStamp}; (${install})();`);
}

/** Notes the moment of the next event of this type, and forgets what was seen before it. */
export async function mark(
  page: Page,
  type: "click" | "pointermove" | "pointerup" | "keydown",
): Promise<void> {
  await page.evaluate((type) => {
    const { pictureWatch } = globalThis as unknown as Watching;
    pictureWatch.sightings = [];
    pictureWatch.marked = undefined;
    pictureWatch.known = pictureWatch.canvases.length;
    const note = (event: Event): void => {
      pictureWatch.marked = event.timeStamp;
    };
    addEventListener(type, note, { capture: true, once: type === "click" });
  }, type);
}

/** What was seen since, and when the marked event came. `fresh`: only in canvases that were not there before. */
export async function seen(
  page: Page,
  fresh = false,
): Promise<{ sightings: Sighting[]; marked: number | undefined }> {
  const { sightings, marked, known } = await page.evaluate(() => {
    const { sightings, marked, known } = (globalThis as unknown as Watching).pictureWatch;
    return { sightings, marked, known };
  });
  return { sightings: sightings.filter(({ canvas }) => !fresh || canvas >= known), marked };
}
