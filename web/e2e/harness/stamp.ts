// Reads the synthetic camera's stamp out of a picture on the screen: which frame it is and when it was captured. Layout and
// check are described at the head of `shell/synthetic/src/lib.rs`.

import type { Locator } from "playwright-core";

export interface Stamp {
  readonly frame: number;
  /** Capture time in milliseconds since 1970. */
  readonly captured: number;
  /** From capture to this read, by the clock of the machine, which camera and browser share. */
  readonly ageMs: number;
  /** Pixels of the picture. */
  readonly width: number;
  readonly height: number;
}

/** Runs in the page, so it stands on its own. */
export function readStamp(source: Element): Stamp | null {
  const now = performance.timeOrigin + performance.now();
  const shown = source as HTMLCanvasElement | HTMLVideoElement;
  const width = "videoWidth" in shown ? shown.videoWidth : shown.width;
  const height = "videoHeight" in shown ? shown.videoHeight : shown.height;
  const [cellWidth, cellHeight] = [Math.floor(width / 32), Math.floor(height / 30)];
  if (cellWidth < 2 || cellHeight < 2) {
    return null;
  }
  // The block alone, three pixels to a cell, whose middle one is read: one read-back for all of it.
  const copy = new OffscreenCanvas(28 * 3, 4 * 3);
  const context = copy.getContext("2d", { willReadFrequently: true });
  if (!context) {
    return null;
  }
  const [blockWidth, blockHeight] = [28 * cellWidth, 4 * cellHeight];
  const [left, top] = [Math.floor((width - blockWidth) / 2), height - 5 * cellHeight];
  context.drawImage(shown, left, top, blockWidth, blockHeight, 0, 0, copy.width, copy.height);
  const { data } = context.getImageData(0, 0, copy.width, copy.height);
  const light = (bit: number): boolean => {
    const at = 4 * ((Math.floor(bit / 28) * 3 + 1) * copy.width + (bit % 28) * 3 + 1);
    const [red = 0, green = 0, blue = 0] = data.subarray(at, at + 3);
    return (red + green + blue) / 3 >= 128;
  };
  const bits = Array.from({ length: 112 }, (_, bit) => (light(bit) ? 1 : 0));
  const number = (from: number, to: number): number =>
    bits.slice(8 * from, 8 * to).reduce<number>((sum, bit) => 2 * sum + bit, 0);
  // CRC-16/CCITT-FALSE, bit by bit.
  const step = (crc: number, bit: number): number =>
    ((crc << 1) & 0xffff) ^ ((crc >> 15) ^ bit ? 0x1021 : 0);
  const check = bits.slice(0, 96).reduce<number>(step, 0xffff);
  if (check !== number(12, 14)) {
    return null;
  }
  const captured = number(4, 12);
  return { frame: number(0, 4), captured, ageMs: now - captured, width, height };
}

/** The stamp of the picture that `picture` (a canvas or video) shows now. */
export function stampOf(picture: Locator): Promise<Stamp | null> {
  return picture.evaluate(readStamp);
}
