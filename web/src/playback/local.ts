// Times as `<input type="datetime-local">` has them: local wall time to the second. Pure.

const two = (value: number): string => String(value).padStart(2, "0");

/** `2026-11-22T14:03:07` in the viewer's zone. */
export function toLocal(timeMs: number): string {
  const date = new Date(timeMs);
  const [year, month, day] = [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${time}`;
}

/** The moment of a local wall time; `null` when the text is none. */
export function fromLocal(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?$/.test(text)) return null;
  const timeMs = new Date(text).getTime();
  return Number.isNaN(timeMs) ? null : timeMs;
}
