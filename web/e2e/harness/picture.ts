// Whether a picture is one and whether it moves, for footage that carries no stamp.

import type { Locator } from "playwright-core";
import { until } from "./wait.ts";

/** A small grey copy of what a canvas or video shows; empty while it shows nothing. Stands on its own: it runs in the page. */
function thumbnail(source: Element): number[] {
  const shown = source as HTMLCanvasElement | HTMLVideoElement;
  const width = "videoWidth" in shown ? shown.videoWidth : shown.width;
  if (width < 2) {
    return [];
  }
  const context = new OffscreenCanvas(32, 18).getContext("2d");
  if (!context) {
    return [];
  }
  context.drawImage(shown, 0, 0, 32, 18);
  const { data } = context.getImageData(0, 0, 32, 18);
  return Array.from({ length: 32 * 18 }, (_, at) => {
    const [red = 0, green = 0, blue = 0] = data.subarray(4 * at, 4 * at + 3);
    return (red + green + blue) / 3;
  });
}

/** How far the greys spread: next to nothing for an empty canvas. */
function contrast(greys: readonly number[]): number {
  const mean = greys.reduce((sum, grey) => sum + grey, 0) / greys.length;
  return Math.sqrt(greys.reduce((sum, grey) => sum + (grey - mean) ** 2, 0) / greys.length);
}

/** Waits until `picture` shows something, and gives it. */
export function shown(picture: Locator, limitMs = 20_000): Promise<number[]> {
  const look = async (): Promise<number[] | false> => {
    const greys = await picture.evaluate(thumbnail);
    return greys.length > 0 && contrast(greys) > 8 && greys;
  };
  return until("a picture", look, limitMs);
}

/** Waits until what `picture` shows has changed so often. */
export async function moves(picture: Locator, changes = 5, limitMs = 20_000): Promise<void> {
  let last = await shown(picture, limitMs);
  for (let change = 0; change < changes; change += 1) {
    last = await until(
      `change ${change + 1} of the picture`,
      async () => {
        const now = await picture.evaluate(thumbnail);
        return now.some((grey, at) => Math.abs(grey - (last[at] ?? 0)) > 2) && now;
      },
      limitMs,
    );
  }
}
