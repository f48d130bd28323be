// The shapes of cameras' pictures, as they were last seen since the page was opened: so a large picture has its place before
// it comes.

import type { CameraId } from "../domain/id.ts";

/** Most cameras' shape, for one that nobody has seen yet. */
const USUAL = 16 / 9;

/** Nothing is narrower or wider on the page, whatever a camera sends. */
const [NARROWEST, WIDEST] = [9 / 21, 4];

const shapes = new Map<CameraId, number>();

/** Pixels across for one down. */
export function shapeOf(camera: CameraId): number {
  return shapes.get(camera) ?? USUAL;
}

/** Notes how large a picture was. */
export function noteShape(camera: CameraId, width: number, height: number): void {
  if (width === 0 || height === 0) return;
  shapes.set(camera, Math.min(WIDEST, Math.max(NARROWEST, width / height)));
}
