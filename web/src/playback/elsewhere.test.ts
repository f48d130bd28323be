import { describe, expect, test } from "vitest";
import type { Rendition } from "../sealed/record.ts";
import { Elsewhere } from "./elsewhere.ts";
import type { Plan } from "./plan.ts";
import { CameraPreviews, type Preview } from "./preview.ts";
import type { Renditions } from "./renditions.ts";
import type { Segment } from "./segments.ts";

const MAIN: Plan = { rendition: "main", frames: "all" };
const SUB: Plan = { rendition: "sub", frames: "keys" };

/** A camera whose renditions were recorded in these stretches. */
function recorded(stretches: { readonly [rendition in Rendition]?: readonly [number, number] }) {
  const questions: number[] = [];
  const index = (rendition: Rendition) => {
    const [startMs, toMs] = stretches[rendition] ?? [0, 0];
    const segment: Segment = { startMs, durationMs: toMs - startMs, offset: 0, len: 9, keyLen: 9 };
    const at = (time: number) => {
      questions.push(time);
      return Promise.resolve(time < toMs ? segment : null);
    };
    return { at };
  };
  const other = ({ rendition }: Plan): Plan | null => {
    const plan = rendition === "main" ? SUB : MAIN;
    return stretches[plan.rendition] === undefined ? null : plan;
  };
  return { elsewhere: new Elsewhere({ index, other } as unknown as Renditions), questions };
}

const HOLE = { fromMs: 10_000, toMs: 60_000 };
const END = { fromMs: 10_000, toMs: Number.POSITIVE_INFINITY };

describe("a hole of one rendition", () => {
  test("is filled by the other where that has pictures", async () => {
    const { elsewhere } = recorded({ main: [0, 100_000], sub: [60_000, 100_000] });
    expect(elsewhere.isKnown(SUB, HOLE, 20_000)).toBe(false);
    expect(await elsewhere.ask(SUB, HOLE, 20_000)).toBe(MAIN);
  });

  test("is known once the other was asked in vain, and that is asked once", async () => {
    const { elsewhere, questions } = recorded({ main: [0, 10_000], sub: [60_000, 100_000] });
    expect(await elsewhere.ask(SUB, HOLE, 20_000)).toBeNull();
    expect(elsewhere.isKnown(SUB, HOLE, 20_000)).toBe(true);
    expect(await elsewhere.ask(SUB, HOLE, 21_000)).toBeNull();
    expect(questions).toHaveLength(1);
    elsewhere.reset();
    expect(elsewhere.isKnown(SUB, HOLE, 20_000)).toBe(false);
  });

  test("needs no question where there is no other, or where it is short", () => {
    const { elsewhere } = recorded({ main: [0, 100_000] });
    expect(elsewhere.isKnown(MAIN, HOLE, 20_000)).toBe(true);
    const both = recorded({ main: [0, 1], sub: [0, 1] });
    expect(both.elsewhere.isKnown(MAIN, HOLE, 58_000)).toBe(true);
  });

  test("at the end is filled only where the other goes on for good", async () => {
    const ended = recorded({ main: [0, 90_000], sub: [0, 10_000] });
    expect(await ended.elsewhere.ask(SUB, END, 10_000)).toBe(MAIN);
    const live = recorded({ main: [0, 12_000], sub: [0, 10_000] });
    expect(await live.elsewhere.ask(SUB, END, 10_000)).toBeNull();
    expect(live.elsewhere.isKnown(SUB, END, 10_000)).toBe(true);
  });

  test("whose question was overtaken by another run changes nothing", async () => {
    const { elsewhere } = recorded({ main: [0, 100_000], sub: [60_000, 100_000] });
    const asked = elsewhere.ask(SUB, HOLE, 20_000);
    elsewhere.reset();
    expect(await asked).toBeNull();
  });
});

describe("previews of a camera", () => {
  const preview = (timeMs: number) => ({ timeMs }) as Preview;

  test("come from the first stream that has one; whoever is overtaken asks no further", async () => {
    const asked: string[] = [];
    const stream = (name: string, from: number) => ({
      close: () => undefined,
      at: async (timeMs: number) => {
        asked.push(`${name} ${timeMs}`);
        return timeMs >= from ? preview(timeMs) : null;
      },
    });
    const previews = new CameraPreviews([stream("sub", 50), stream("main", 0)]);
    expect(await previews.at(60)).toEqual({ timeMs: 60 });
    expect(await previews.at(40)).toEqual({ timeMs: 40 });
    expect(asked).toEqual(["sub 60", "sub 40", "main 40"]);
    const both = await Promise.all([previews.at(30), previews.at(55)]);
    expect(both).toEqual([null, { timeMs: 55 }]);
    expect(asked.slice(3)).toEqual(["sub 30", "sub 55"]);
  });
});
