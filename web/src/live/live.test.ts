// Views of live, as far as they are plain: layout, words.

import { expect, test } from "vitest";

import type { Camera } from "../api/documents.ts";
import { layout } from "./layout.ts";
import { FIRST_STATE } from "./phase.ts";
import { stopWords, wordsOf } from "./words.ts";

test("pictures are as large as fits", () => {
  const desktop = { width: 1_300, height: 800, gap: 8 };
  expect(layout(1, desktop)).toEqual({ columns: 1, width: 1_300 });
  expect(layout(2, desktop).columns).toBe(1);
  expect(layout(4, desktop)).toMatchObject({ columns: 2 });
  expect(layout(9, desktop)).toMatchObject({ columns: 3 });
  expect(layout(16, desktop)).toMatchObject({ columns: 4 });
  expect(layout(40, desktop)).toEqual(layout(16, desktop));
});

test("a phone gets one column upright, and more lying", () => {
  const upright = { width: 374, height: 700, gap: 8 };
  expect(layout(1, upright)).toEqual({ columns: 1, width: 374 });
  expect(layout(3, upright)).toEqual({ columns: 1, width: 374 });
  expect(layout(5, upright)).toEqual({ columns: 1, width: 374 });
  expect(layout(7, upright)).toEqual({ columns: 2, width: 183 });
  expect(layout(16, upright)).toEqual({ columns: 2, width: 183 });
  expect(layout(4, { width: 800, height: 320, gap: 8 })).toMatchObject({ columns: 2 });
  expect(layout(9, { width: 640, height: 250, gap: 8 }).width).toBeGreaterThanOrEqual(168);
  expect(layout(3, { width: 100, height: 40, gap: 8 })).toEqual({ columns: 1, width: 100 });
});

test("nothing stands outside of the room's width", () => {
  for (let count = 1; count <= 20; count += 1) {
    for (const width of [320, 374, 640, 768, 1_024, 1_300, 2_500]) {
      for (const height of [1, 250, 700, 1_400]) {
        const { columns, width: tile } = layout(count, { width, height, gap: 8 });
        expect(columns * tile + (columns - 1) * 8).toBeLessThanOrEqual(width);
        expect(tile).toBeGreaterThan(0);
      }
    }
  }
});

const camera = (status: Camera["streams"][0]["status"]): Camera =>
  ({ id: "a", name: "Yard", streams: [{ rendition: "main", status }] }) as unknown as Camera;
const streaming = camera({ state: "streaming", tracks: [] });

test("a tile says how old its picture is, unless it is live", () => {
  const at = (phase: typeof FIRST_STATE.phase) =>
    wordsOf(streaming, { ...FIRST_STATE, phase, capturedMs: 5_000 }, 17_000).text;
  expect(at("live")).toBe("Live");
  expect(at("joining")).toContain("12 seconds");
  expect(at("stalled")).toContain("12 seconds");
  expect(at("lost")).toContain("12 seconds");
});

test("a camera's own trouble comes first", () => {
  const problem = { kind: "unauthorized", message: "x" } as const;
  const words = wordsOf(camera({ state: "connecting", problem }), FIRST_STATE, 0);
  expect(words.tone).toBe("bad");
  expect(words.advice).not.toBe("");
});

test("a stop says what happened and what to do", () => {
  for (const kind of ["revoked", "gone", "signed-out", "failed"] as const) {
    expect(stopWords({ kind }).advice).not.toBe("");
  }
  expect(stopWords({ kind: "unsupported", codec: "h265" }).text).toContain("H.265");
  expect(stopWords({ kind: "refused", code: "forged" }).advice).toContain("forged");
  expect(stopWords({ kind: "refused", code: "replayed" }).advice).toContain("older");
});
