// What a connection test means for whoever will watch: each finding is a judgement with what to do in the camera's own
// settings. Numbers come from the test; words are in the catalogue under `cameras.find-NAME`.

import type { ProbeReport } from "../api/documents.ts";

/** One judgement. `good` ones reassure, `info` ones only tell, `warn` ones ask for a change. */
export interface Finding {
  readonly tone: "good" | "info" | "warn";
  readonly name:
    | "fine"
    | "h265"
    | "keyframes-far"
    | "keyframes-unseen"
    | "keyframes-very-far"
    | "left-out"
    | "no-small"
    | "not-small"
    | "reordered"
    | "slow"
    | "slow-start";
  readonly values: { readonly [name: string]: number | string };
}

/** Keyframes farther apart than this make jumps coarse; and much coarser, in milliseconds. */
const FAR_MS = 4_000;
const VERY_FAR_MS = 10_000;

/** A small stream is at most this wide, in pixels. */
const SMALL_WIDTH = 960;

/** From this width on a main stream wants a small one beside it, in pixels. */
const LARGE_WIDTH = 1_600;

/** What is worth saying about a main or a sub stream. */
export function judge(report: ProbeReport, which: "main" | "sub", hasSub: boolean): Finding[] {
  const found = [
    ...codec(report),
    ...keyframes(report.video.keyframeIntervalMs),
    ...pace(report),
    ...size(report, which, hasSub),
  ];
  if (report.unsupported.length > 0) {
    found.push({ tone: "info", name: "left-out", values: { what: report.unsupported.join(", ") } });
  }
  return found.some(({ tone }) => tone === "warn")
    ? found
    : [{ tone: "good", name: "fine", values: {} }, ...found];
}

function codec({ video }: ProbeReport): Finding[] {
  const found: Finding[] = [];
  if (video.codec === "h265") found.push({ tone: "warn", name: "h265", values: {} });
  if (video.reordered) found.push({ tone: "warn", name: "reordered", values: {} });
  return found;
}

function keyframes(intervalMs: number | undefined): Finding[] {
  if (intervalMs === undefined) return [{ tone: "warn", name: "keyframes-unseen", values: {} }];
  if (intervalMs <= FAR_MS) return [];
  const values = { seconds: Math.round(intervalMs / 1_000) };
  if (intervalMs <= VERY_FAR_MS) return [{ tone: "info", name: "keyframes-far", values }];
  return [{ tone: "warn", name: "keyframes-very-far", values }];
}

function pace({ video, firstPictureMs }: ProbeReport): Finding[] {
  const found: Finding[] = [];
  const fps = video.framesPer1000S / 1_000;
  if (fps > 0 && fps < 5)
    found.push({ tone: "info", name: "slow", values: { fps: Math.round(fps) } });
  if (firstPictureMs > 5_000) {
    const values = { seconds: Math.round(firstPictureMs / 1_000) };
    found.push({ tone: "info", name: "slow-start", values });
  }
  return found;
}

function size({ video }: ProbeReport, which: "main" | "sub", hasSub: boolean): Finding[] {
  const { width, height } = video;
  if (which === "sub") {
    return width > SMALL_WIDTH
      ? [{ tone: "warn", name: "not-small", values: { width, height } }]
      : [];
  }
  if (hasSub || width < LARGE_WIDTH) return [];
  return [{ tone: "info", name: "no-small", values: { width, height } }];
}

/** Bytes that a stream of so many bits a second fills in a day. */
export function bytesPerDay(bitsPerS: number): number {
  return (bitsPerS / 8) * 86_400;
}
