// A part of a picture, enlarged: how often, and where. Pure; lengths are parts of the frame's width and height, so that a frame that
// changes its size changes nothing here.

/** The whole picture is 1. Beyond 8 there are only blocks to be seen. */
export const MAX_SCALE = 8;

/** What a double tap and the key make of the whole picture. */
export const CLOSE_UP = 2.5;

/** What is seen of the picture. */
export interface LensView {
  readonly scale: number;
  /** Where the picture's left upper corner is, in frames; never within the frame. */
  readonly x: number;
  readonly y: number;
}

/** A place in the frame, from 0 to 1 each way. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

export const WHOLE: LensView = { scale: 1, x: 0, y: 0 };

export const MIDDLE: Place = { x: 0.5, y: 0.5 };

/** Enlarges by `factor`; what is at `place` stays there as far as the picture's edges allow. */
export function zoomed(view: LensView, factor: number, place: Place): LensView {
  const scale = Math.min(MAX_SCALE, Math.max(1, view.scale * factor));
  const by = scale / view.scale;
  return kept(scale, place.x - (place.x - view.x) * by, place.y - (place.y - view.y) * by);
}

/** Moves the picture by so many frames. */
export function moved(view: LensView, dx: number, dy: number): LensView {
  return kept(view.scale, view.x + dx, view.y + dy);
}

/** The whole picture, or a close-up of `place`. */
export function toggled(view: LensView, place: Place): LensView {
  return view.scale > 1 ? WHOLE : zoomed(view, CLOSE_UP, place);
}

/** The frame stays full. */
function kept(scale: number, x: number, y: number): LensView {
  const within = (value: number): number => Math.min(0, Math.max(1 - scale, value)) || 0;
  return { scale, x: within(x), y: within(y) };
}
