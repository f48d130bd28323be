// What the offline check of a recording finds. It collects instead of stopping at the first, so that an
// owner learns everything that is wrong and where; holes wait for a signed gap that may come later.

import type { Code } from "../domain/errors.ts";
import type { Gap } from "./manifest.ts";

/** Findings that are listed one by one; more are only counted. */
export const MAX_FINDINGS = 1_000;

/** A reader accepts no longer silence of manifests than this within a recording, in milliseconds. */
export const MAX_SILENCE = 10_000n;

/** What is wrong. */
export type Problem =
  /** Bytes that are no record, or of a kind that does not belong here. */
  | { readonly kind: "malformed" }
  /** A record's bytes were changed or torn. */
  | { readonly kind: "changed" }
  /** A record of another site, camera or rendition. */
  | { readonly kind: "elsewhere" }
  /** Frames are missing, repeated or out of order within the segment. */
  | { readonly kind: "out-of-order" }
  /** Segments are missing that no signed gap explains. */
  | { readonly kind: "missing"; readonly count: bigint }
  /** Segment numbers go back. */
  | { readonly kind: "repeated" }
  /** The segment was cut short and no signed gap explains it. */
  | { readonly kind: "cut-short" }
  /** The segment does not follow the one before it. */
  | { readonly kind: "spliced" }
  /** No manifest speaks for the segment. */
  | { readonly kind: "unsigned" }
  /** A manifest says something else about the segment than what is there. */
  | { readonly kind: "not-as-signed" }
  /** Manifests are missing that no signed gap explains, or do not follow each other. */
  | { readonly kind: "broken-manifests" }
  /** Nothing was signed for longer than the format allows. */
  | { readonly kind: "silent"; readonly seconds: bigint }
  /** The epoch's envelope is not there. */
  | { readonly kind: "no-envelope" }
  /** The epoch's envelope is refused. */
  | { readonly kind: "bad-envelope"; readonly code: Code }
  /** A manifest is refused. */
  | { readonly kind: "bad-manifest"; readonly code: Code };

/** What is wrong, in which segment (where there is one), at about which time. */
export interface Finding {
  readonly problem: Problem;
  readonly segment: bigint | null;
  readonly time: bigint;
}

/** What a walk found. Times are milliseconds since 1970. */
export interface Report {
  segments: number;
  frames: number;
  bytes: number;
  manifests: number;
  /** Signed gaps, in order of signing. */
  gaps: Gap[];
  /** Start of the first segment. */
  first: bigint | null;
  /** Last time that a close or manifest speaks for. */
  last: bigint | null;
  /** Frames at the very end that no manifest covers yet. */
  unsignedTail: number;
  /** What is wrong, at most 1,000. */
  findings: Finding[];
  /** Findings in all; the recording is whole when there is none. */
  findingCount: number;
}

export function emptyReport(): Report {
  return {
    ...{ segments: 0, frames: 0, bytes: 0, manifests: 0, gaps: [], first: null, last: null },
    ...{ unsignedTail: 0, findings: [], findingCount: 0 },
  };
}

/** Adds a finding; lists it while there is room. */
export function find(report: Report, finding: Finding): void {
  report.findingCount += 1;
  if (report.findings.length < MAX_FINDINGS) report.findings.push(finding);
}

/** A hole that only a signed gap, perhaps a later one, can explain. */
export interface Hole extends Finding {
  /** Segments from `first` on; none: only the time counts. */
  readonly first: bigint;
  readonly count: bigint;
  readonly until: bigint;
}

/**
 * A hole is explained when signed gaps cover each of its segments, or for one without segments, when a
 * signed gap lies in its time.
 */
export function isExplained(hole: Hole, gaps: readonly Gap[]): boolean {
  if (hole.count > 0n) return isCovered(gaps, hole.first, hole.first + hole.count);
  const [start, end] = [hole.time - MAX_SILENCE, hole.until];
  const [from, to] = start < end ? [start, end] : [end, start]; // A clock that was set back.
  return gaps.some((gap) => gap.from <= to && gap.to >= from);
}

function isCovered(gaps: readonly Gap[], first: bigint, end: bigint): boolean {
  for (let next = first; next < end; ) {
    const gap = gaps.find((each) => covers(each, next));
    if (gap === undefined) return false;
    next = gap.firstSegment + gap.segments;
  }
  return true;
}

/** Whether segment `number` is missing or cut short by this gap. */
export function covers(gap: Gap, number: bigint): boolean {
  return number >= gap.firstSegment && number < gap.firstSegment + gap.segments;
}
