// What a connection test's numbers mean.

import { expect, test } from "vitest";
import type { ProbedVideo, ProbeReport } from "../api/documents.ts";
import { en } from "../i18n/en/index.ts";
import { bytesPerDay, judge } from "./judge.ts";

function report(video: Partial<ProbedVideo> = {}, more: Partial<ProbeReport> = {}): ProbeReport {
  return {
    video: {
      codec: "h264",
      codecString: "avc1.64001f",
      width: 1_280,
      height: 720,
      framesPer1000S: 15_000,
      keyframeIntervalMs: 2_000,
      bitsPerS: 1_000_000,
      reordered: false,
      ...video,
    },
    unsupported: [],
    firstPictureMs: 400,
    ...more,
  };
}

const names = (given: ProbeReport, which: "main" | "sub" = "main", hasSub = false) =>
  judge(given, which, hasSub).map(({ name }) => name);

test("a good camera is told so", () => {
  expect(names(report())).toEqual(["fine"]);
});

test("H.265, B-frames and far keyframes ask for a change", () => {
  const given = report({ codec: "h265", reordered: true, keyframeIntervalMs: 30_000 });
  expect(names(given)).toEqual(["h265", "reordered", "keyframes-very-far"]);
});

test("a keyframe that was never seen again is far", () => {
  const { keyframeIntervalMs: _, ...video } = report().video;
  expect(names({ ...report(), video })).toEqual(["keyframes-unseen"]);
});

test("what only could be better does not spoil the verdict", () => {
  const given = report(
    { keyframeIntervalMs: 6_000, framesPer1000S: 3_000 },
    { unsupported: ["ONVIF"] },
  );
  expect(names(given)).toEqual(["fine", "keyframes-far", "slow", "left-out"]);
});

test("a large main stream wants a small one beside it", () => {
  const large = report({ width: 2_560, height: 1_440 });
  expect(names(large)).toEqual(["fine", "no-small"]);
  expect(names(large, "main", true)).toEqual(["fine"]);
});

test("a small stream that is not small is told", () => {
  expect(names(report({ width: 1_920 }), "sub", true)).toEqual(["not-small"]);
});

test("each finding has its message, with the same values", () => {
  const given = report(
    {
      codec: "h265",
      reordered: true,
      keyframeIntervalMs: 30_000,
      framesPer1000S: 2_000,
      width: 4_000,
    },
    { unsupported: ["x"], firstPictureMs: 9_000 },
  );
  for (const { name, values } of judge(given, "main", false)) {
    const text = en[`cameras.find-${name}`];
    const wanted = [...text.matchAll(/\{(\w+)\}/g)].map(([, each]) => each).sort();
    expect(Object.keys(values).sort(), name).toEqual(wanted);
  }
});

test("a megabit a second fills 10.8 GB a day", () => {
  expect(bytesPerDay(1_000_000)).toBe(10_800_000_000);
});
