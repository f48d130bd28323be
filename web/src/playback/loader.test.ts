// Whole runs over the recording of the vectors: every frame comes out and is verified, what was changed is marked and
// left out, gaps are told with their reasons.

import { beforeAll, expect, test } from "vitest";

import type { Bytes } from "../domain/bytes.ts";
import { Splitter } from "../sealed/record.ts";
import { RecordedOpener } from "../sealed/recorded.ts";
import { decodeSegmentHeader } from "../sealed/segment.ts";
import type { World } from "../sealed/testing/vectors.ts";
import { read, world } from "../sealed/testing/vectors.ts";
import { Channel } from "./channel.ts";
import type { EpochStore } from "./epochs.ts";
import { gapsWithin, manifestsIn } from "./gaps.ts";
import { keyOf } from "./keys.ts";
import type { Loaded } from "./loader.ts";
import { Loader } from "./loader.ts";
import { Marks } from "./marks.ts";
import type { Get, Segment } from "./segments.ts";
import { endOf, SegmentIndex } from "./segments.ts";
import { Witness } from "./witness.ts";

let house: World;
let main: Bytes;
let segments: Segment[];

beforeAll(async () => {
  house = await world();
  main = read("main.bin");
  segments = listed(main);
});

/** The segments of a stream as the gateway's index shows them: each with the manifests behind it. */
function listed(bytes: Bytes): Segment[] {
  const out: Segment[] = [];
  let at = 0;
  for (const record of new Splitter().push(bytes)) {
    const length = 16 + record.header.bodyLength;
    const last = out.at(-1);
    if (record.header.kind === "segment") {
      const { start } = decodeSegmentHeader(record);
      out.push({ startMs: Number(start), durationMs: 0, offset: at, len: length, keyLen: 0 });
    } else if (last !== undefined) {
      const first = last.keyLen === 0 && record.header.kind === "frame" && record.header.key;
      const keyLen = first && last.len < 200 ? last.len + length : last.keyLen;
      out[out.length - 1] = { ...last, len: last.len + length, keyLen };
    }
    at += length;
  }
  return out.map((each, place) => {
    const next = out[place + 1]?.startMs ?? each.startMs + 2_000;
    return { ...each, durationMs: Math.max(1, Math.min(2_000, next - each.startMs)) };
  });
}

const get: Get = async <T>(path: string) => {
  const query = new URLSearchParams(path.split("?")[1]);
  const [from, to] = [Number(query.get("from")), Number(query.get("to") ?? Infinity)];
  const found = segments.filter((each) => each.startMs < to && endOf(each) > from);
  return { segments: found.slice(0, Number(query.get("limit") ?? 1_000)) } as T;
};

const stream = () => ({ camera: house.camera, rendition: "main" as const });

function request() {
  return { site: house.rosters.current.site, ...stream(), epoch: house.open };
}

/** Runs over `bytes`, in chunks of an odd size. */
async function run(bytes: Bytes) {
  const abort = new AbortController();
  const out = new Channel<Loaded>(1e9);
  const epochs = {
    record: async (id: never) => house.envelope(id) ?? Promise.reject(new Error()),
  } as unknown as EpochStore;
  const witness = new Witness(stream(), house.rosters, epochs);
  const loader = new Loader({
    ...{ stream: stream(), index: new SegmentIndex(get, stream()), witness, out },
    ...{ opener: new RecordedOpener(request()), signal: abort.signal },
    fetch: async (_path, { start, end }) => chunks(bytes.subarray(start, end)),
  });
  const running = loader.run(segments[0]!);
  const frames: string[] = [];
  const gaps: Loaded[] = [];
  for (let item = await out.receive(); item !== null; item = await out.receive()) {
    if (item.kind === "frame") {
      const frame = await item.opened.catch(() => null);
      if (frame !== null) frames.push(Buffer.from(frame.data).toString("hex"));
    }
    if (item.kind === "gap") gaps.push(item);
    if (item.kind === "end") break;
  }
  abort.abort();
  out.close();
  await running;
  const marks = new Marks();
  for (const { from, to, fault } of witness.testify().marks) {
    if (fault === null) marks.verify(from, to);
    else marks.blame(from, to, fault);
  }
  return {
    frames,
    gaps,
    faults: marks.all.filter((mark) => mark.fault !== null),
    marks: marks.all,
  };
}

async function* chunks(bytes: Bytes): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 777) yield bytes.slice(at, at + 777);
}

test("a whole recording comes out frame by frame and is verified", async () => {
  const all = house.home.frames.filter(({ rendition }) => rendition === "main");
  const { frames, faults, marks } = await run(main);
  expect(frames).toEqual(all.map(({ data }) => data));
  expect(faults).toEqual([]);
  const [first, last] = [segments[0]!, segments.at(-1)!];
  expect(marks[0]!.from).toBe(first.startMs);
  expect(marks.at(-1)!.to).toBeGreaterThan(last.startMs);
});

test("a changed byte costs its segment alone, which is marked", async () => {
  const victim = segments[2]!;
  const bytes = main.slice();
  bytes[victim.offset + victim.keyLen + 40]! ^= 1;
  const { frames, gaps, faults } = await run(bytes);
  const whole = (await run(main)).frames;
  expect(frames.length).toBeLessThan(whole.length);
  expect(frames.length).toBeGreaterThan(whole.length / 2);
  expect(whole).toEqual(expect.arrayContaining(frames));
  expect(gaps.length).toBeGreaterThan(0);
  const kinds = new Set(faults.map(({ fault }) => fault));
  expect([...kinds].some((kind) => kind === "changed" || kind === "forged")).toBe(true);
  expect(
    faults.every(({ from, to }) => from >= victim.startMs - 1 && to <= endOf(segments[3]!)),
  ).toBe(true);
});

test("bytes that are no record end their segment, not the run", async () => {
  const victim = segments[3]!;
  const bytes = main.slice();
  bytes.fill(0xff, victim.offset + victim.keyLen, victim.offset + victim.keyLen + 4);
  const { frames, faults } = await run(bytes);
  expect(frames.length).toBeGreaterThan((await run(main)).frames.length / 2);
  expect(faults.map(({ fault }) => fault)).toContain("malformed");
});

test("segments in another order are told", async () => {
  const [a, b] = [segments[1]!, segments[2]!];
  const swapped = main.slice();
  swapped.set(main.subarray(b.offset, b.offset + b.len), a.offset);
  swapped.set(main.subarray(a.offset, a.offset + a.len), a.offset + b.len);
  const { faults } = await run(swapped);
  expect(faults.length).toBeGreaterThan(0);
});

test("the key length alone gives the keyframe", async () => {
  const segment = segments.find(({ keyLen }) => keyLen > 0)!;
  const fetch = async (_path: string, { start, end }: { start: number; end: number }) =>
    main.slice(start, end);
  const { signal } = new AbortController();
  const key = await keyOf(stream(), segment, request(), fetch, signal);
  expect([key?.frame.key, key?.frame.track]).toEqual([true, "video"]);
  expect(await keyOf(stream(), { ...segment, keyLen: 0 }, request(), fetch, signal)).toBeNull();
});

test("manifests are found in a tail that begins in the middle of a record", async () => {
  const site = house.rosters.current.site;
  const all = [...new Splitter().push(main)].filter(({ header }) => header.kind === "manifest");
  expect((await manifestsIn(main, site, stream())).length).toBe(all.length);
  const tail = main.subarray(main.length - 5_001);
  const found = await manifestsIn(tail, site, stream());
  expect(found.length).toBeGreaterThan(0);
  expect(await manifestsIn(tail, site, { ...stream(), rendition: "sub" })).toEqual([]);
});

test("a gap is told with the reason that the sealer signed, and only with that", async () => {
  const manifests = await manifestsIn(main, house.rosters.current.site, stream());
  const gap = manifests.flatMap(({ gaps }) => gaps).find(({ from, to }) => to > from)!;
  const before = segments.findLast(({ startMs }) => startMs < Number(gap.from))!;
  const [fromMs, toMs] = [endOf(before), Number(gap.to)];
  const parts = {
    ...{ stream: stream(), site: house.rosters.current.site, rosters: house.rosters },
    index: new SegmentIndex(get, stream()),
  };
  const { signal } = new AbortController();
  const honest = async (_path: string, { start, end }: { start: number; end: number }) =>
    main.slice(start, end);
  const found = await gapsWithin(
    { ...parts, fetch: honest },
    fromMs,
    Math.max(toMs, fromMs + 1),
    signal,
  );
  expect(found).toContainEqual({ fromMs: Number(gap.from), toMs, reason: gap.reason });
  const forged = async (path: string, range: { start: number; end: number }) => {
    const bytes = await honest(path, range);
    for (const { signature } of await manifestsIn(bytes, parts.site, stream())) {
      const at = Buffer.from(bytes).indexOf(Buffer.from(signature));
      bytes[at]! ^= 1;
    }
    return bytes;
  };
  const refused = await gapsWithin(
    { ...parts, fetch: forged },
    fromMs,
    Math.max(toMs, fromMs + 1),
    signal,
  );
  expect(refused).toEqual([]);
});
