// Whole recordings, and each way to break one.

import { beforeAll, expect, test } from "vitest";

import type { Bytes } from "../domain/bytes.ts";
import { ascii } from "../domain/bytes.ts";
import type { SigningKey } from "../identity/key.ts";
import type { Record } from "./record.ts";
import { Splitter } from "./record.ts";
import { verifyRecording } from "./recording.ts";
import type { Finding, Report } from "./report.ts";
import type { RosterHistory } from "./roster.ts";
import { CAMERA, filled, household, keyOf, NOW, SCOPE } from "./testing/household.ts";
import type { ManifestParts } from "./testing/sealer.ts";
import { envelopeRecord, manifestRecord, SegmentWriter, VIDEO_CONFIG } from "./testing/sealer.ts";

const SECRET = filled(42, 32);
let home: RosterHistory;
let sealer: SigningKey;
let envelope: { bytes: Bytes; chain: Bytes };

beforeAll(async () => {
  [home, sealer] = await Promise.all([household(), keyOf(4)]);
  envelope = await envelopeRecord(sealer, home.current, SECRET);
});

/** A recording under construction: what a sealer writes. */
class Recording {
  readonly records: Bytes[] = [];
  time = NOW;
  next = 0n;
  previous: Bytes = filled(0, 32);
  #counter = 0n;
  #previousManifest: Bytes = filled(0, 32);

  /** One segment of three frames; closed or cut short. Gives its head. */
  async segment(closed: boolean) {
    const parts = { number: this.next, sealer, secret: SECRET, previous: this.previous };
    const writer = await new SegmentWriter({ ...parts, start: this.time }).begin();
    for (const at of [0, 1, 2]) {
      await writer.frame({ data: ascii(`${at}`), ...(at === 0 ? { config: VIDEO_CONFIG } : {}) });
    }
    this.time += 2_000n;
    if (closed) await writer.close(this.time);
    this.records.push(...writer.records);
    [this.previous, this.next] = [writer.chain, this.next + 1n];
    return { number: this.next - 1n, frames: 3, state: closed ? 2 : 3, chain: writer.chain };
  }

  async manifest(parts: Partial<ManifestParts>): Promise<void> {
    const { bytes, chain } = await manifestRecord({
      ...{ sealer, envelope: envelope.chain, counter: this.#counter, time: this.time },
      ...{ previous: this.#previousManifest, ...parts },
    });
    [this.#previousManifest, this.#counter] = [chain, this.#counter + 1n];
    this.records.push(bytes);
  }

  async closedSegment(): Promise<void> {
    await this.manifest({ heads: [await this.segment(true)] });
  }
}

/** Records of one segment: header, three frames, close, manifest. */
const PER_SEGMENT = 6;

async function fourSegments(): Promise<Recording> {
  const recording = new Recording();
  for (let at = 0; at < 4; at += 1) await recording.closedSegment();
  return recording;
}

const envelopeOf = (bytes: Bytes): Record => [...new Splitter().push(bytes)][0]!;

function check(records: Bytes[], found: Bytes | null = envelope.bytes): Promise<Report> {
  const request = { camera: CAMERA, rendition: "main" as const, rosters: home };
  return verifyRecording({ ...request, envelope: lookup }, records);
  function lookup(epoch: string) {
    return epoch === SCOPE.epoch && found !== null ? envelopeOf(found) : undefined;
  }
}

const kinds = ({ findings }: Report): string[] => findings.map(({ problem }) => problem.kind);

test("a whole recording passes", async () => {
  const report = await check((await fourSegments()).records);
  expect(report).toMatchObject({ segments: 4, frames: 12, manifests: 4, unsignedTail: 0 });
  expect(report.findingCount).toBe(0);
  expect([report.first, report.last]).toEqual([NOW, NOW + 8_000n]);
});

test("any start and end at a segment pass", async () => {
  const { records } = await fourSegments();
  expect(kinds(await check(records.slice(PER_SEGMENT, 3 * PER_SEGMENT)))).toEqual([]);
});

test("every changed byte is found", async () => {
  const { records } = await fourSegments();
  for (let at = 0; at < 2 * PER_SEGMENT; at += 1) {
    for (let byte = 0; byte < records[at]!.length; byte += 1) {
      const changed = records.map((each) => each.slice());
      changed[at]![byte]! ^= 1;
      const report = await check(changed);
      expect(report.findingCount, `record ${at} byte ${byte}`).toBeGreaterThan(0);
    }
  }
});

test("dropped, repeated and swapped records are found", async () => {
  const { records } = await fourSegments();
  for (let at = 0; at < 3 * PER_SEGMENT; at += 1) {
    const dropped = await check(records.toSpliced(at, 1));
    expect(dropped.findingCount > 0 || at === 0, `drop ${at}`).toBe(true);
    const repeated = await check(records.toSpliced(at, 0, records[at]!));
    expect(repeated.findingCount, `repeat ${at}`).toBeGreaterThan(0);
    const swapped = await check(records.toSpliced(at, 2, records[at + 1]!, records[at]!));
    expect(swapped.findingCount, `swap ${at}`).toBeGreaterThan(0);
  }
});

test("a dropped segment is found and named", async () => {
  const { records } = await fourSegments();
  const report = await check(records.toSpliced(PER_SEGMENT, PER_SEGMENT));
  const missing: Partial<Finding> = { problem: { kind: "missing", count: 1n }, segment: 1n };
  expect(report.findings).toContainEqual(expect.objectContaining(missing));
});

test("a last segment that was signed but is not there is found", async () => {
  const { records } = await fourSegments();
  const report = await check(records.toSpliced(3 * PER_SEGMENT, PER_SEGMENT - 1));
  expect(kinds(report)).toEqual(["missing"]);
});

test("a missing segment with a signed gap is whole", async () => {
  const recording = new Recording();
  await recording.closedSegment();
  await recording.segment(true);
  recording.records.length = PER_SEGMENT;
  const head = await recording.segment(true);
  const gap = { reason: 5, from: NOW, to: recording.time, first: 1n, segments: 1n };
  await recording.manifest({ heads: [head], gaps: [gap] });
  const report = await check(recording.records);
  expect(kinds(report)).toEqual([]);
  expect(report.gaps).toMatchObject([{ reason: "disk-full", firstSegment: 1n }]);
});

test("a segment that a crash cut short needs its recovery signed", async () => {
  for (const recovered of [true, false]) {
    const recording = new Recording();
    await recording.closedSegment();
    const head = await recording.segment(false);
    if (recovered) await recording.manifest({ heads: [head] });
    await recording.closedSegment();
    expect(kinds(await check(recording.records))).toEqual(recovered ? [] : ["cut-short"]);
  }
});

test("a recording without its manifests is found", async () => {
  const { records } = await fourSegments();
  const stripped = records.filter((bytes) => bytes[4] !== 5);
  expect(kinds(await check(stripped))).toEqual(Array(4).fill("unsigned"));
});

test("a manifest of another sealer of the site is refused", async () => {
  const { addBy } = await import("./testing/household.ts");
  const other = await keyOf(77);
  const before = home;
  home = await household();
  await addBy(home, 1, { kind: "add-sealer", key: other.public });
  const recording = new Recording();
  await recording.manifest({ heads: [await recording.segment(true)], sealer: other });
  expect(kinds(await check(recording.records))).toEqual(["bad-manifest", "unsigned"]);
  home = before;
});

test("a missing or foreign envelope is found", async () => {
  const { records } = await fourSegments();
  expect(kinds(await check(records, null))).toEqual(["no-envelope"]);
  const forged = envelope.bytes.slice();
  forged[forged.length - 1]! ^= 1;
  expect((await check(records, forged)).findings[0]?.problem).toEqual({
    ...{ kind: "bad-envelope", code: "bad-signature" },
  });
});

test("silence without a gap is found", async () => {
  const recording = new Recording();
  await recording.closedSegment();
  recording.time += 60_000n;
  await recording.closedSegment();
  const report = await check(recording.records);
  expect(report.findings[0]?.problem).toEqual({ kind: "silent", seconds: 62n });
});

test("the unsigned tail is counted", async () => {
  const recording = await fourSegments();
  await recording.segment(false);
  const report = await check(recording.records);
  expect([report.findingCount, report.unsignedTail]).toEqual([0, 3]);
});

test("bytes that are no record are found", async () => {
  const { records } = await fourSegments();
  expect(kinds(await check([...records, filled(0xff, 16)]))).toEqual(["malformed"]);
  expect(kinds(await check([...records, filled(0, 3)]))).toEqual(["malformed"]);
});

test("random bytes never throw and never hang", async () => {
  for (let round = 0; round < 200; round += 1) {
    const { findingCount } = await check([crypto.getRandomValues(new Uint8Array(round))]);
    expect(findingCount > 0 || round === 0).toBe(true);
  }
});
