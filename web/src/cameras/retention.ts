// How long recordings stay, between the form (days and gigabytes as typed) and the API (hours and bytes).

import type { Retention } from "../api/documents.ts";
import { formatBytes, formatSpan, t } from "../i18n/index.ts";

const HOUR_MS = 3_600_000;
const GB = 1_000_000_000;

/** As typed; empty means no limit. */
export interface RetentionDraft {
  days: string;
  gigabytes: string;
}

export function draftOf({ maxHours, maxBytes }: Retention): RetentionDraft {
  return {
    days: maxHours === undefined ? "" : plain(maxHours / 24),
    gigabytes: maxBytes === undefined ? "" : plain(maxBytes / GB),
  };
}

const plain = (value: number): string => String(Math.round(value * 100) / 100);

/** The limits, or `null` for a field that is no number in range. */
export function retentionOf({ days, gigabytes }: RetentionDraft): Retention | null {
  const hours = limit(days, 24, 1, 24 * 3_650);
  const bytes = limit(gigabytes, GB, GB, 1_000_000 * GB);
  if (hours === null || bytes === null) return null;
  return {
    ...(hours === undefined ? {} : { maxHours: hours }),
    ...(bytes === undefined ? {} : { maxBytes: bytes }),
  };
}

/** Whether something that is kept now may be too much with what is typed. What is shown as it was has not changed. */
export function isShorter(now: Retention, typed: RetentionDraft): boolean {
  const shown = draftOf(now);
  const after = retentionOf(typed);
  if (after === null) return false;
  const tighter = (old = Number.POSITIVE_INFINITY, most = Number.POSITIVE_INFINITY) => most < old;
  const days = typed.days !== shown.days && tighter(now.maxHours, after.maxHours);
  return days || (typed.gigabytes !== shown.gigabytes && tighter(now.maxBytes, after.maxBytes));
}

export function isDays(text: string): boolean {
  return limit(text, 24, 1, 24 * 3_650) !== null;
}

export function isGigabytes(text: string): boolean {
  return limit(text, GB, GB, 1_000_000 * GB) !== null;
}

function limit(
  text: string,
  factor: number,
  least: number,
  most: number,
): number | undefined | null {
  const typed = text.trim().replace(",", ".");
  if (typed === "") return undefined;
  if (!/^\d{1,7}(\.\d{1,3})?$/.test(typed)) return null;
  const value = Math.round(Number(typed) * factor);
  return value >= least && value <= most ? value : null;
}

/** For example `at most 14 days, at most 200 GB`. */
export function retentionText({ maxHours, maxBytes }: Retention): string {
  const parts: string[] = [];
  if (maxHours !== undefined) parts.push(formatSpan(maxHours * HOUR_MS));
  if (maxBytes !== undefined) parts.push(formatBytes(maxBytes));
  return parts.length === 0
    ? t("cameras.keep-all")
    : t("cameras.keep-most", { what: parts.join(", ") });
}
