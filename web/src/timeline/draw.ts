// Draws the timeline on a canvas: only what is on screen, without measuring or laying out anything. Recorded
// stretches are filled, what failed its check is hatched and has its own colour, so that neither is told by
// colour alone.

import type { Mark } from "../playback/marks.ts";
import type { Span } from "../playback/spans.ts";
import type { Palette } from "./palette.ts";
import type { Tick } from "./ticks.ts";
import type { Bounds, Viewport } from "./timeline.ts";
import { startOf, visible, xOf } from "./timeline.ts";

/** Height of the axis with its labels, in CSS pixels. */
export const AXIS = 34;

/** Height of one camera's row: a single one is easier to hit. */
export function rowHeight(rows: number): number {
  return rows > 1 ? 30 : 46;
}

/** One camera's row. */
export interface Row {
  readonly name: string;
  readonly spans: readonly Span[];
  readonly marks: readonly Mark[];
  /** Not all of it is known yet. */
  readonly isLoading: boolean;
}

/** All that is drawn. */
export interface Scene {
  readonly view: Viewport;
  readonly rows: readonly Row[];
  readonly ticks: readonly Tick[];
  readonly label: (tick: Tick) => string;
  /** The day of what is on the left edge. */
  readonly day: string;
  readonly nowMs: number;
  readonly selection: Bounds | null;
  readonly palette: Palette;
}

type Context = CanvasRenderingContext2D;

/** The height of all rows and the axis. */
export function heightOf(rows: number): number {
  return AXIS + Math.max(1, rows) * rowHeight(rows) + 6;
}

/** Draws a scene; the context's scale is the screen's. */
export function draw(context: Context, scene: Scene): void {
  const { view, palette, rows } = scene;
  const height = heightOf(rows.length);
  context.fillStyle = palette.page;
  context.fillRect(0, 0, view.width, height);
  drawAxis(context, scene, height);
  const each = rowHeight(rows.length);
  for (const [at, row] of rows.entries()) drawRow(context, scene, row, AXIS + at * each, each);
  drawFuture(context, scene, height);
  if (scene.selection !== null) drawSelection(context, scene, scene.selection, height);
  drawHead(context, scene, height);
}

function drawAxis(context: Context, scene: Scene, height: number): void {
  const { view, palette } = scene;
  context.font = palette.font;
  context.textBaseline = "middle";
  context.textAlign = "left";
  const dayEnd = context.measureText(scene.day).width + 16;
  for (const tick of scene.ticks) {
    const x = Math.round(xOf(view, tick.timeMs)) + 0.5;
    context.strokeStyle = palette.line;
    context.lineWidth = 1;
    line(context, x, tick.isDay ? 4 : AXIS - 8, height);
    if (x < dayEnd) continue;
    context.fillStyle = tick.isDay ? palette.ink : palette.soft;
    context.fillText(scene.label(tick), x + 4, 14);
  }
  context.fillStyle = palette.ink;
  context.fillText(scene.day, 8, 14);
}

function drawRow(
  context: Context,
  { view, palette }: Scene,
  row: Row,
  top: number,
  room: number,
): void {
  const [from, to] = [startOf(view), startOf(view) + view.spanMs];
  const [y, height] = [top + 4, room - 8];
  context.fillStyle = palette.sunken;
  context.fillRect(0, y, view.width, height);
  context.fillStyle = palette.recorded;
  for (const [left, right] of merged(visible(row.spans, from, to), view)) {
    context.fillRect(left, y, right - left, height);
  }
  for (const mark of row.marks) {
    if (mark.to < from || mark.from > to) continue;
    if (mark.fault === null) {
      drawVerified(context, view, mark, y, height, palette);
    } else drawFault(context, view, mark, y, height, palette);
  }
}

/** Gaps that are narrower than this are not drawn, in pixels. */
const LEAST_GAP_PX = 0.8;

/** Spans as stretches of pixels: never more of them than the screen is wide, however many spans there are. */
export function merged(spans: readonly Span[], view: Viewport): [left: number, right: number][] {
  const out: [number, number][] = [];
  let last: [number, number] | undefined;
  for (const { startMs, endMs } of spans) {
    const left = Math.max(-2, xOf(view, startMs));
    // A short recording in a month is still seen.
    const right = Math.max(left + 1, Math.min(view.width + 2, xOf(view, endMs)));
    if (last !== undefined && left - last[1] < LEAST_GAP_PX) last[1] = Math.max(last[1], right);
    else {
      last = [left, right];
      out.push(last);
    }
  }
  return out;
}

function bar(
  context: Context,
  view: Viewport,
  from: number,
  to: number,
  y: number,
  height: number,
): void {
  const left = Math.max(-2, xOf(view, from));
  const right = Math.min(view.width + 2, xOf(view, to));
  // A short recording in a month is still seen.
  context.fillRect(left, y, Math.max(1, right - left), height);
}

/** A stretch that the sealer's signature covers: full colour, and a line along its foot. */
function drawVerified(
  context: Context,
  view: Viewport,
  mark: Mark,
  y: number,
  height: number,
  palette: Palette,
): void {
  context.fillStyle = palette.verified;
  bar(context, view, mark.from, mark.to, y, height);
  context.fillStyle = palette.page;
  bar(context, view, mark.from, mark.to, y + height - 5, 2);
}

/** A stretch that is not what was signed: hatched, with an edge. */
function drawFault(
  context: Context,
  view: Viewport,
  mark: Mark,
  y: number,
  height: number,
  palette: Palette,
): void {
  const left = Math.max(0, xOf(view, mark.from));
  const right = Math.min(view.width, Math.max(xOf(view, mark.to), left + 4));
  context.save();
  context.beginPath();
  context.rect(left, y, right - left, height);
  context.clip();
  context.fillStyle = palette.page;
  context.fillRect(left, y, right - left, height);
  context.strokeStyle = palette.bad;
  context.lineWidth = 2;
  for (let x = left - height; x < right; x += 6) {
    context.beginPath();
    context.moveTo(x, y + height);
    context.lineTo(x + height, y);
    context.stroke();
  }
  context.restore();
  context.strokeStyle = palette.bad;
  context.lineWidth = 1.5;
  context.strokeRect(left, y, right - left, height);
}

function drawFuture(context: Context, { view, nowMs, palette }: Scene, height: number): void {
  const x = xOf(view, nowMs);
  if (x >= view.width) return;
  const left = Math.max(0, x);
  context.fillStyle = palette.page;
  context.fillRect(left, AXIS, view.width - left, height - AXIS);
  if (x < 0) return;
  context.strokeStyle = palette.soft;
  context.lineWidth = 1.5;
  context.setLineDash([3, 3]);
  line(context, x, AXIS - 8, height);
  context.setLineDash([]);
}

function drawSelection(
  context: Context,
  scene: Scene,
  { fromMs, toMs }: Bounds,
  height: number,
): void {
  const { view, palette } = scene;
  const [left, right] = [xOf(view, fromMs), xOf(view, toMs)];
  context.save();
  context.globalAlpha = 0.28;
  context.fillStyle = palette.selection;
  context.fillRect(left, AXIS - 4, right - left, height - AXIS + 4);
  context.restore();
  context.strokeStyle = palette.selection;
  context.lineWidth = 2;
  line(context, left, AXIS - 8, height);
  line(context, right, AXIS - 8, height);
}

function drawHead(context: Context, { view, palette }: Scene, height: number): void {
  const x = Math.round(view.width / 2) + 0.5;
  context.strokeStyle = palette.page;
  context.lineWidth = 5;
  line(context, x, 22, height);
  context.strokeStyle = palette.head;
  context.lineWidth = 2;
  line(context, x, 22, height);
  context.fillStyle = palette.head;
  context.beginPath();
  context.moveTo(x - 6, 22);
  context.lineTo(x + 6, 22);
  context.lineTo(x, 31);
  context.fill();
}

function line(context: Context, x: number, top: number, bottom: number): void {
  context.beginPath();
  context.moveTo(x, top);
  context.lineTo(x, bottom);
  context.stroke();
}
