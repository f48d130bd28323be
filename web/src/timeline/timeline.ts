// The timeline's model, pure: which stretch of time is on screen, where a moment lies in it, and what keys,
// wheel and fingers do to it. The moment that is shown lies in the middle; dragging time moves it.

/** What is on screen: `spanMs` milliseconds around `centreMs`, `width` pixels wide. */
export interface Viewport {
  readonly centreMs: number;
  readonly spanMs: number;
  readonly width: number;
}

/** How far the moment can be moved. */
export interface Bounds {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The closest and the farthest view. */
export const MIN_SPAN_MS = 10_000;
export const MAX_SPAN_MS = 31 * 86_400_000;

/** One press of `+` or `-`. */
export const ZOOM_STEP = 1.6;

/** Lengths that the arrow keys move by: the first that is at least a hundredth of what is on screen. */
const STEPS_MS = [
  100, 250, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000, 1_800_000,
  3_600_000, 10_800_000, 21_600_000, 86_400_000,
];

/** The first moment on screen. */
export function startOf({ centreMs, spanMs }: Viewport): number {
  return centreMs - spanMs / 2;
}

/** The moment at `x` pixels from the left. */
export function timeAt(view: Viewport, x: number): number {
  return startOf(view) + (x / view.width) * view.spanMs;
}

/** Where `timeMs` lies, in pixels from the left. */
export function xOf(view: Viewport, timeMs: number): number {
  return ((timeMs - startOf(view)) / view.spanMs) * view.width;
}

/** A span within the limits. */
export function clampSpan(spanMs: number): number {
  return Math.min(MAX_SPAN_MS, Math.max(MIN_SPAN_MS, spanMs));
}

/** A moment within the bounds. */
export function clampTime(timeMs: number, { fromMs, toMs }: Bounds): number {
  return Math.min(toMs, Math.max(fromMs, timeMs));
}

/** The moment after the content was dragged by `dx` pixels to the right. */
export function panned(view: Viewport, dx: number, bounds: Bounds): number {
  return clampTime(view.centreMs - (dx / view.width) * view.spanMs, bounds);
}

/** The span after zooming: above 1 shows more time. */
export function zoomed(spanMs: number, factor: number): number {
  return clampSpan(spanMs * factor);
}

/** What a turn of the wheel does to the span; `deltaY` in pixels. */
export function wheelFactor(deltaY: number): number {
  return Math.exp(Math.max(-240, Math.min(240, deltaY)) * 0.0035);
}

/** How far one arrow key moves. */
export function stepOf(spanMs: number): number {
  return STEPS_MS.find((step) => step >= spanMs / 100) ?? 86_400_000;
}

/** What a key does: a new moment, a new span, or nothing. */
export type KeyAct =
  | { readonly kind: "move"; readonly timeMs: number }
  | { readonly kind: "zoom"; readonly spanMs: number };

/** The act of `key` on a view. */
export function keyAct(key: string, view: Viewport, bounds: Bounds): KeyAct | null {
  const step = stepOf(view.spanMs);
  const moves: { readonly [key: string]: number } = {
    ArrowLeft: -step,
    ArrowDown: -step,
    ArrowRight: step,
    ArrowUp: step,
    PageUp: view.spanMs / 2,
    PageDown: -view.spanMs / 2,
    Home: Number.NEGATIVE_INFINITY,
    End: Number.POSITIVE_INFINITY,
  };
  const move = moves[key];
  if (move !== undefined) {
    return { kind: "move", timeMs: clampTime(view.centreMs + move, bounds) };
  }
  if (key === "+" || key === "=") return zoom(view.spanMs / ZOOM_STEP);
  if (key === "-" || key === "_") return zoom(view.spanMs * ZOOM_STEP);
  return null;
}

function zoom(spanMs: number): KeyAct {
  return { kind: "zoom", spanMs: clampSpan(spanMs) };
}

/** Where a drag that was let go of at `velocity` (pixels a millisecond) is after `ms`: it slows down. */
export function coasted(velocity: number, ms: number): number {
  return velocity * FRICTION_MS * (1 - Math.exp(-ms / FRICTION_MS));
}

/** Whether it still moves a pixel. */
export function isCoasting(velocity: number, ms: number): boolean {
  return Math.abs(velocity * Math.exp(-ms / FRICTION_MS)) > 0.02;
}

const FRICTION_MS = 260;

/** Those of sorted stretches that touch `fromMs … toMs`, found by halving: lists may be long. */
export function visible<T extends { readonly startMs: number; readonly endMs: number }>(
  sorted: readonly T[],
  fromMs: number,
  toMs: number,
): readonly T[] {
  const first = firstIndex(sorted, (each) => each.endMs > fromMs);
  const end = firstIndex(sorted, (each) => each.startMs >= toMs);
  return first === 0 && end === sorted.length ? sorted : sorted.slice(first, Math.max(first, end));
}

function firstIndex<T>(sorted: readonly T[], holds: (each: T) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const each = sorted[middle];
    if (each !== undefined && holds(each)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A selection whose `edge` was moved to `timeMs`: ends never cross, and it is never empty. */
export function dragged(
  selection: Bounds,
  edge: "from" | "to",
  timeMs: number,
  bounds: Bounds,
): Bounds {
  const time = clampTime(timeMs, bounds);
  return edge === "from"
    ? { fromMs: Math.min(time, selection.toMs - MIN_SELECTION_MS), toMs: selection.toMs }
    : { fromMs: selection.fromMs, toMs: Math.max(time, selection.fromMs + MIN_SELECTION_MS) };
}

/** The shortest stretch that can be selected. */
export const MIN_SELECTION_MS = 1_000;

/** The longest and the shortest half of a stretch that is selected at first. */
const FIRST_HALF_MS = { least: 5_000, most: 600_000 };

/** A stretch around `timeMs` to begin a selection with: a third of what is on screen, and nothing of the future. */
export function stretchAround(timeMs: number, spanMs: number, nowMs: number): Bounds {
  const half = Math.min(FIRST_HALF_MS.most, Math.max(FIRST_HALF_MS.least, spanMs / 6));
  const toMs = Math.round(Math.min(nowMs, timeMs + half));
  return { fromMs: Math.round(Math.min(timeMs, toMs) - half), toMs };
}
