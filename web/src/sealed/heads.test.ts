// Manifests in a stream: they must be the sealer's, follow each other, and fit what was seen.

import { beforeAll, expect, test } from "vitest";

import type { Bytes } from "../domain/bytes.ts";
import { ascii } from "../domain/bytes.ts";
import type { Hash } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";
import type { SigningKey } from "../identity/key.ts";
import type { ReaderKey } from "../identity/reader.ts";
import type { HighWater } from "./highwater.ts";
import type { RosterHistory } from "./roster.ts";
import type { Opened, StreamRequest } from "./stream.ts";
import { StreamOpener } from "./stream.ts";
import { addBy, CAMERA, filled, household, keyOf, NOW, readerOf } from "./testing/household.ts";
import { verdict } from "./testing/refusal.ts";
import type { SegmentParts } from "./testing/sealer.ts";
import { envelopeRecord, manifestRecord, SegmentWriter, VIDEO_CONFIG } from "./testing/sealer.ts";

const SECRET = filled(42, 32);
let home: RosterHistory;
let sealer: SigningKey;
let owner: ReaderKey;
let envelope: { bytes: Bytes; chain: Bytes };

beforeAll(async () => {
  [home, sealer, owner] = await Promise.all([household(), keyOf(4), readerOf(1)]);
  envelope = await envelopeRecord(sealer, home.current, SECRET);
});

function opener(more: Partial<StreamRequest> = {}): StreamOpener {
  const keys = [owner];
  return new StreamOpener({ camera: CAMERA, rendition: "main", rosters: home, keys, ...more });
}

async function segment(parts: Partial<SegmentParts> = {}, texts = ["key", "", "next"]) {
  const writer = await new SegmentWriter({ number: 0n, sealer, secret: SECRET, ...parts }).begin();
  for (const [at, text] of texts.entries()) {
    const config = at === 0 ? { config: VIDEO_CONFIG } : {};
    await writer.frame({ data: ascii(text), pts: BigInt(at) * 3_000n - 90_000n, ...config });
  }
  return writer;
}

const texts = (opened: Opened[]): string[] =>
  opened.flatMap((each) =>
    each.kind === "frame" ? new TextDecoder().decode(each.frame.data) : [],
  );

/** What comes of feeding `records` one by one: the texts of frames, or the refusal. */
async function feed(records: Bytes[], stream = opener()): Promise<string[] | string> {
  const out: string[] = [];
  const code = await verdict(async () => {
    for (const bytes of records) out.push(...texts(await stream.push(bytes)));
  });
  return code === "accepted" ? out : code;
}

test("manifests must fit what was seen, before or after it", async () => {
  const writer = await segment();
  const running = { number: 0n, frames: 3, state: 1, chain: writer.chain };
  const parts = { sealer, envelope: envelope.chain, counter: 7n };
  const good = await manifestRecord({ ...parts, heads: [running] });
  const bad = await manifestRecord({ ...parts, heads: [{ ...running, chain: filled(9, 32) }] });
  const all = [envelope.bytes, ...writer.records];
  expect(await feed([...all, good.bytes])).toEqual(["key", "", "next"]);
  expect(await feed([envelope.bytes, good.bytes, ...writer.records])).toHaveLength(3);
  expect(await feed([...all, bad.bytes])).toBe("broken-chain");
  expect(await feed([envelope.bytes, bad.bytes, ...writer.records])).toBe("broken-chain");
  await writer.close();
  const closed = { number: 0n, frames: 3, state: 2, chain: writer.chain };
  const end = await manifestRecord({ ...parts, heads: [closed] });
  expect(await feed([envelope.bytes, ...writer.records, end.bytes])).toHaveLength(3);
  const short = await manifestRecord({ ...parts, heads: [{ ...closed, frames: 2 }] });
  expect(await feed([envelope.bytes, ...writer.records, short.bytes])).toBe("broken-chain");
});

test("manifests are the camera's sealer's, counted and chained", async () => {
  const parts = { sealer, envelope: envelope.chain, counter: 7n };
  const first = await manifestRecord(parts);
  const next = await manifestRecord({ ...parts, counter: 8n, previous: first.chain });
  const all = (...manifests: { bytes: Bytes }[]) =>
    feed([envelope.bytes, ...manifests.map(({ bytes }) => bytes)]);
  expect(await all(first, next)).toEqual([]);
  expect(await all(first, first)).toBe("wrong-counter");
  expect(await all(first, await manifestRecord({ ...parts, counter: 8n }))).toBe("broken-chain");
  const stranger = await manifestRecord({ ...parts, sealer: await keyOf(66) });
  expect(await all(stranger)).toBe("not-the-sealer");
  const other = await manifestRecord({ ...parts, envelope: filled(1, 32) });
  expect(await all(other)).toBe("broken-chain");
});

test("a viewer that is moved on misses manifests and the end of a segment", async () => {
  const parts = { sealer, envelope: envelope.chain };
  const first = await manifestRecord({ ...parts, counter: 7n });
  const later = await segment({ number: 4n, previous: filled(9, 32) });
  const cut = { number: 0n, frames: 9, state: 2, chain: filled(8, 32) };
  const skipped = await manifestRecord({ ...parts, counter: 12n, heads: [cut] });
  const stream = opener();
  for (const bytes of [envelope.bytes, ...(await segment()).records]) await stream.push(bytes);
  expect((await stream.push(first.bytes))[0]).toMatchObject({ kind: "manifest", follows: true });
  await stream.push(envelope.bytes);
  expect((await stream.push(later.records[0]!))[0]).toMatchObject({ follows: false });
  expect((await stream.push(skipped.bytes))[0]).toMatchObject({ follows: false });
  expect(texts(await stream.push(later.records[1]!))).toEqual(["key"]);
});

test("a stream behind what was seen is refused, unless it only shows it once more", async () => {
  const parts = { sealer, envelope: envelope.chain, time: NOW };
  const seven = await manifestRecord({ ...parts, counter: 7n });
  const hash = idOf<Hash>(seven.chain);
  const judge = (floor: HighWater) => feed([envelope.bytes, seven.bytes], opener({ floor }));
  expect(await judge({ counter: 8n, time: NOW - 1n, hash })).toBe("wrong-counter");
  expect(await judge({ counter: 8n, time: NOW, hash })).toEqual([]);
  expect(await judge({ counter: 7n, time: NOW, hash })).toEqual([]);
  expect(await judge({ counter: 7n, time: NOW, hash: idOf<Hash>(filled(1, 32)) })).toBe(
    "broken-chain",
  );
  const behind = opener({ floor: { counter: 8n, time: NOW, hash } });
  await behind.push(envelope.bytes);
  await behind.push(seven.bytes);
  const next = await manifestRecord({ ...parts, counter: 8n, previous: seven.chain });
  expect([behind.caughtUp, behind.highWater?.counter]).toEqual([false, 7n]);
  const other = await verdict(() => behind.push(next.bytes));
  expect(other).toBe("broken-chain");
});

test("newer statements are fetched when an envelope was made under them", async () => {
  const [shorter, longer] = [await household(), await household()];
  await addBy(longer, 1, { kind: "add-sealer", key: (await keyOf(77)).public });
  const later = await envelopeRecord(sealer, longer.current, SECRET);
  const lengthen = () => addBy(shorter, 1, { kind: "add-sealer", key: key77 });
  const key77 = (await keyOf(77)).public;
  const records = [later.bytes, ...(await segment()).records];
  expect(await feed(records, opener({ rosters: shorter }))).toBe("other-roster");
  expect(await feed(records, opener({ rosters: shorter, lengthen }))).toHaveLength(3);
});
