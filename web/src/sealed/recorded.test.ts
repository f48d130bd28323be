// Recordings opened for playing and exporting: every frame of the vectors comes out, and nothing of a changed one
// that the offline check has something against passes in silence.

import { beforeAll, expect, test } from "vitest";

import type { Bytes } from "../domain/bytes.ts";
import { SealedError } from "../domain/errors.ts";
import type { Rendition } from "./record.ts";
import { Splitter } from "./record.ts";
import { RecordedOpener } from "./recorded.ts";
import { verifyRecording } from "./recording.ts";
import { verdict } from "./testing/refusal.ts";
import type { RecordingCase, World } from "./testing/vectors.ts";
import { changed, json, read, world } from "./testing/vectors.ts";

let house: World;

beforeAll(async () => {
  house = await world();
});

function opener(rendition: Rendition): RecordedOpener {
  const { site } = house.rosters.current;
  return new RecordedOpener({ site, camera: house.camera, rendition, epoch: house.open });
}

/** The frames' data up to a refusal, and that. */
async function play(rendition: Rendition, bytes: Bytes): Promise<[string[], string]> {
  const opening = opener(rendition);
  const out: string[] = [];
  const end = await verdict(async () => {
    const splitter = new Splitter();
    for (const record of splitter.push(bytes)) {
      const step = await opening.push(record);
      if (step.kind === "frame") out.push(Buffer.from((await step.opened).data).toString("hex"));
    }
    if (splitter.pending) throw new SealedError("short", "record");
  });
  return [out, end];
}

test("every frame of both renditions opens", async () => {
  for (const rendition of ["main", "sub"] as const) {
    const frames = house.home.frames.filter((frame) => frame.rendition === rendition);
    const [found, end] = await play(rendition, read(`${rendition}.bin`));
    expect(end).toBe("accepted");
    expect(found).toEqual(frames.map(({ data }) => data));
  }
});

/** Findings that a walk over all records shows, but that an opener has no part in. */
const NOT_OPENED = new Set(["missing", "cut-short", "unsigned", "silent", "broken-manifests"]);

test("a changed recording never opens as if it were whole", async () => {
  const main = read("main.bin");
  const cases = json<RecordingCase[]>("recordings.json").filter((_, at) => at % 7 === 0);
  const whole = new Set(house.home.frames.map(({ data }) => data));
  for (const each of cases) {
    const [found, end] = await play("main", changed(main, each));
    // What is appended is new; all else is a frame of the vectors or none.
    const foreign = found.filter((data) => !whole.has(data));
    if (each.append === "") expect([each.name, foreign]).toEqual([each.name, []]);
    const opened = each.findings.filter((kind) => !NOT_OPENED.has(kind));
    if (opened.length > 0 && end === "accepted") {
      expect([each.name, opened]).toEqual([each.name, ["not-as-signed"]]);
    }
  }
});

test("a record of the other rendition, site or camera is refused", async () => {
  const [sub] = [...new Splitter().push(read("sub.bin"))];
  expect(await verdict(() => opener("main").push(sub!))).toBe("other-scope");
  const foreign = new RecordedOpener({
    ...{ site: house.rosters.current.site, rendition: "sub", epoch: house.open },
    camera: house.home.entitled.find(({ camera }) => camera !== house.home.camera)!.camera as never,
  });
  expect(await verdict(() => foreign.push(sub!))).toBe("other-scope");
});

test("an envelope that is refused lets nothing of its segments out", async () => {
  const { site } = house.rosters.current;
  const { camera } = house;
  const epoch = () => Promise.reject(new SealedError("not-for-me", "wraps"));
  const opening = new RecordedOpener({ site, camera, rendition: "main", epoch });
  const [first] = [...new Splitter().push(read("main.bin"))];
  expect(await verdict(() => opening.push(first!))).toBe("not-for-me");
});

test("manifests that the recorder lost leave a hole that only the offline check judges", async () => {
  const main = read("main.bin");
  const opening = opener("main");
  let manifests = 0;
  for (const record of new Splitter().push(main)) {
    if (record.header.kind === "manifest") {
      manifests += 1;
      if (manifests === 3) continue;
    }
    await opening.push(record);
  }
  expect(manifests).toBeGreaterThan(10);
  const again: Bytes[] = [];
  let at = 0;
  for (const { header } of new Splitter().push(main)) {
    const end = at + 16 + header.bodyLength;
    if (header.kind !== "manifest" || ++manifests % 40 !== 0) again.push(main.subarray(at, end));
    at = end;
  }
  const request = { camera: house.camera, rendition: "main", rosters: house.rosters } as const;
  const report = await verifyRecording({ ...request, envelope: house.envelope }, again);
  expect(report.findingCount).toBeGreaterThan(0);
});

test("manifests that go back or repeat are refused", async () => {
  const records = [...new Splitter().push(read("main.bin"))];
  const manifests = records.filter(({ header }) => header.kind === "manifest");
  const opening = opener("main");
  await opening.push(manifests[1]!);
  expect(await verdict(() => opening.push(manifests[1]!))).toBe("wrong-counter");
  expect(await verdict(() => opening.push(manifests[0]!))).toBe("wrong-counter");
  expect(await verdict(() => opening.push(manifests[2]!))).toBe("accepted");
});
