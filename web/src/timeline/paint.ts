// Puts a scene together and draws it: lines and labels in the viewer's zone and language, at the screen's scale.

import { formatClock, formatTime, formatWith } from "../i18n/index.ts";
import type { Scene } from "./draw.ts";
import { draw } from "./draw.ts";
import type { Tick } from "./ticks.ts";
import { stepFor, ticksOf } from "./ticks.ts";
import { startOf } from "./timeline.ts";

/** Room for a label, in pixels. */
const LABEL_PX = 84;

const DAY = { weekday: "short", day: "numeric", month: "short" } as const;

/** Draws on a canvas whose size is that of its element times the screen's scale. */
export function paintOn(
  canvas: HTMLCanvasElement,
  scene: Omit<Scene, "ticks" | "label" | "day">,
): void {
  const context = canvas.getContext("2d", { alpha: false });
  if (context === null) return;
  const { view } = scene;
  const from = startOf(view);
  const step = stepFor(view.spanMs, view.width, LABEL_PX);
  const scale = devicePixelRatio;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  const ticks = ticksOf(from - step, from + view.spanMs, step);
  draw(context, { ...scene, ticks, label, day: formatWith(from, DAY) });
}

function label({ label: kind, timeMs }: Tick): string {
  if (kind === "day") return formatWith(timeMs, DAY);
  return kind === "seconds" ? formatTime(timeMs) : formatClock(timeMs);
}
