// Figures as `cargo xtask bench app` prints them: one JSON line each, appended to the file that it names.

import { appendFileSync } from "node:fs";

const { BARTIZAN_FIGURES } = process.env;

export interface Figure {
  /** What was measured. */
  readonly name: string;
  readonly value: number;
  readonly unit: "ms" | "%" | "MiB" | "kB" | "score" | "pictures" | "clicks";
  /** What the value must not exceed. */
  readonly limit?: number;
  /** How often, how spread, under which circumstances. */
  readonly note?: string;
}

export function record(figure: Figure): void {
  const line = `${JSON.stringify({ ...figure, value: Math.round(figure.value * 100) / 100 })}\n`;
  if (BARTIZAN_FIGURES) {
    appendFileSync(BARTIZAN_FIGURES, line);
  }
  process.stdout.write(line);
}

/** The nearest-rank percentile of what was measured. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil((sorted.length * percent) / 100)) - 1;
  const found = sorted[rank];
  if (found === undefined) {
    throw new Error("nothing was measured");
  }
  return found;
}

/** Records the median of many times, and says how they spread. */
export function recordTimes(
  name: string,
  times: readonly number[],
  limit: number,
  about = "",
): void {
  const [p95, most] = [percentile(times, 95), percentile(times, 100)].map((time) =>
    time.toFixed(0),
  );
  const spread = `median of ${times.length}; 95 % within ${p95} ms, longest ${most} ms`;
  const note = about === "" ? spread : `${spread}. ${about}`;
  record({ name, value: percentile(times, 50), unit: "ms", limit, note });
}
