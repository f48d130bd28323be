// Times, sizes and numbers as text: by Intl, in the language that is shown and the viewer's time zone. Times are
// milliseconds since 1970. Formatters are kept, because making one takes longer than using it.

import { language } from "./language.svelte.ts";

const kept = new Map<string, Intl.DateTimeFormat | Intl.NumberFormat>();

function keep<F extends Intl.DateTimeFormat | Intl.NumberFormat>(
  kind: string,
  options: object,
  make: (locale: string) => F,
): F {
  const { locale } = language();
  const name = `${locale} ${kind} ${JSON.stringify(options)}`;
  const found = kept.get(name) as F | undefined;
  if (found !== undefined) return found;
  const made = make(locale);
  kept.set(name, made);
  return made;
}

/** A time by any Intl options. */
export function formatWith(ms: number, options: Intl.DateTimeFormatOptions): string {
  return keep("time", options, (locale) => new Intl.DateTimeFormat(locale, options)).format(ms);
}

/** `14:03:07`. */
export function formatTime(ms: number): string {
  return formatWith(ms, { timeStyle: "medium" });
}

/** `14:03`. */
export function formatClock(ms: number): string {
  return formatWith(ms, { timeStyle: "short" });
}

/** `22 Nov 2026`. */
export function formatDate(ms: number): string {
  return formatWith(ms, { dateStyle: "medium" });
}

/** `22 Nov 2026, 14:03`. */
export function formatDateTime(ms: number): string {
  return formatWith(ms, { dateStyle: "medium", timeStyle: "short" });
}

/** A number with the usual marks. */
export function formatNumber(value: number, options: Intl.NumberFormatOptions = {}): string {
  return keep("number", options, (locale) => new Intl.NumberFormat(locale, options)).format(value);
}

const BYTE_UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"] as const;

/** `1.4 GB` (decimal units, as on the disk's box). */
export function formatBytes(bytes: number): string {
  const step = Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** step;
  const maximumFractionDigits = step > 0 && value < 100 ? 1 : 0;
  const unit = BYTE_UNITS[step] ?? "byte";
  return formatNumber(value, { style: "unit", unit, maximumFractionDigits });
}

/** `4.1 Mbit/s`. */
export function formatBitrate(bitsPerSecond: number): string {
  const mega = bitsPerSecond >= 1_000_000;
  const value = bitsPerSecond / (mega ? 1_000_000 : 1_000);
  const number = formatNumber(value, { maximumFractionDigits: mega ? 1 : 0 });
  return `${number} ${mega ? "Mbit/s" : "kbit/s"}`;
}

/** `2:05` or `1:02:05`: a length of time as players write it. */
export function formatDuration(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1_000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

const SPANS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
] as const;

/** `5 seconds`, `3 hours`: a length of time in words, by its largest unit. */
export function formatSpan(ms: number, unitDisplay: "long" | "short" = "long"): string {
  const [unit, size] = SPANS.find(([, least]) => ms >= least) ?? SPANS[3];
  const value = ms / size;
  const maximumFractionDigits = value < 10 && !Number.isInteger(value) && unit !== "second" ? 1 : 0;
  return formatNumber(value, { style: "unit", unit, unitDisplay, maximumFractionDigits });
}
