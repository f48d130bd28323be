// Lines and labels on the time axis: seconds to days by zoom, in the viewer's zone, right on days of 23 and 25
// hours. Pure; how a label reads is the caller's business.

/** What kind of label a line has. */
export type TickLabel = "seconds" | "minutes" | "day";

/** A line at a moment. */
export interface Tick {
  readonly timeMs: number;
  readonly label: TickLabel;
  /** The start of a day. */
  readonly isDay: boolean;
}

/** Minutes that the zone is ahead of UTC at a moment. */
export type Offset = (timeMs: number) => number;

/** The zone of this machine. */
export const localOffset: Offset = (timeMs) => -new Date(timeMs).getTimezoneOffset();

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 5, 10].map((count) => count * DAY),
];

/** Never more lines than this, whatever is asked. */
const MAX_TICKS = 200;

/** The distance of labels that are at least `minimum` pixels apart. */
export function stepFor(spanMs: number, width: number, minimum: number): number {
  const least = (spanMs / Math.max(1, width)) * minimum;
  return STEPS.find((step) => step >= least) ?? 10 * DAY;
}

/** The lines in `fromMs … toMs`, every `stepMs`. */
export function ticksOf(
  fromMs: number,
  toMs: number,
  stepMs: number,
  offset: Offset = localOffset,
): Tick[] {
  if (stepMs >= DAY) return days(fromMs, toMs, stepMs, offset);
  return stepMs > HOUR ? hours(fromMs, toMs, stepMs, offset) : even(fromMs, toMs, stepMs, offset);
}

/** Up to an hour: zones move by multiples of it or of half of it, so lines stay evenly apart. */
function even(fromMs: number, toMs: number, stepMs: number, offset: Offset): Tick[] {
  const shift = offset(fromMs) * MINUTE;
  const first = Math.ceil((fromMs + shift) / stepMs) * stepMs - shift;
  const out: Tick[] = [];
  for (let time = first; time < toMs && out.length < MAX_TICKS; time += stepMs) {
    out.push(tick(time, stepMs, offset));
  }
  return out;
}

/** Several hours: those whose local hour is a multiple, each once a day. */
function hours(fromMs: number, toMs: number, stepMs: number, offset: Offset): Tick[] {
  const out: Tick[] = [];
  let last = Number.NaN;
  for (const { timeMs } of even(fromMs, toMs, HOUR, offset)) {
    const local = timeMs + offset(timeMs) * MINUTE;
    if (modulo(local, DAY) % stepMs !== 0 || local === last) continue;
    last = local;
    out.push(tick(timeMs, stepMs, offset));
  }
  return out;
}

/** Days: local midnights, counted from a fixed one so that lines keep their place while time moves. */
function days(fromMs: number, toMs: number, stepMs: number, offset: Offset): Tick[] {
  const out: Tick[] = [];
  const first = Math.floor((fromMs + offset(fromMs) * MINUTE) / DAY);
  const count = Math.round(stepMs / DAY);
  for (let day = first; out.length < MAX_TICKS; day += 1) {
    const timeMs = midnight(day, offset);
    if (timeMs >= toMs) return out;
    if (timeMs >= fromMs && modulo(day, count) === 0) {
      out.push({ timeMs, label: "day", isDay: true });
    }
  }
  return out;
}

/** When the local day with this number (since 1970) begins. */
function midnight(day: number, offset: Offset): number {
  const guess = day * DAY - offset(day * DAY) * MINUTE;
  return day * DAY - offset(guess) * MINUTE;
}

function tick(timeMs: number, stepMs: number, offset: Offset): Tick {
  const isDay = modulo(timeMs + offset(timeMs) * MINUTE, DAY) === 0;
  return { timeMs, isDay, label: isDay ? "day" : stepMs < MINUTE ? "seconds" : "minutes" };
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
