// A stream as a worker meets it: bytes in, frames out, and everything that must end it.

import { beforeAll, expect, test } from "vitest";

import type { Bytes } from "../domain/bytes.ts";
import { ascii, concat } from "../domain/bytes.ts";
import type { SigningKey } from "../identity/key.ts";
import type { ReaderKey } from "../identity/reader.ts";
import type { RosterHistory } from "./roster.ts";
import type { Opened, StreamRequest } from "./stream.ts";
import { StreamOpener } from "./stream.ts";
import { CAMERA, filled, household, keyOf, NOW, readerOf, SCOPE } from "./testing/household.ts";
import { verdict } from "./testing/refusal.ts";
import type { SegmentParts } from "./testing/sealer.ts";
import { envelopeRecord, SegmentWriter, VIDEO_CONFIG } from "./testing/sealer.ts";

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

test("frames come back as they went in", async () => {
  const writer = await (await segment()).close();
  const opened = await opener().push(concat(envelope.bytes, ...writer.records));
  expect(opened.map(({ kind }) => kind)).toEqual([
    ...["epoch", "segment", "frame", "frame", "frame", "close"],
  ]);
  const first = opened[2];
  expect(first?.kind === "frame" && first.frame).toEqual({
    ...{ track: "video", key: true, index: 0, captured: NOW, pts: -90_000n, decodeOffset: 0 },
    config: {
      ...{ track: "video", codec: "h264", timescale: 90_000, width: 640, height: 360 },
      extra: ascii("avcC"),
    },
    data: ascii("key"),
  });
});

test("overlapping pushes of any cut give frames in order", async () => {
  const writer = await (
    await segment(
      {},
      Array.from({ length: 40 }, (_, at) => `f${at}`),
    )
  ).close();
  const all = concat(envelope.bytes, ...writer.records);
  for (const size of [1, 7, 100, 5_000]) {
    const stream = opener();
    const pushes: Promise<Opened[]>[] = [];
    for (let at = 0; at < all.length; at += size)
      pushes.push(stream.push(all.slice(at, at + size)));
    expect(texts((await Promise.all(pushes)).flat())).toEqual(
      Array.from({ length: 40 }, (_, at) => `f${at}`),
    );
  }
});

test("every changed byte of every record is refused", async () => {
  const writer = await (await segment()).close();
  const head = concat(envelope.bytes);
  const tail = concat(...writer.records);
  for (let at = 0; at < tail.length; at += 1) {
    const changed = tail.slice();
    changed[at]! ^= 1;
    // A longer body length only waits for more bytes; nothing after it comes out.
    const stream = opener();
    await stream.push(head);
    const opened: Opened[] = [];
    const refused = await verdict(async () => opened.push(...(await stream.push(changed))));
    const whole = opened.some(({ kind }) => kind === "close");
    expect(refused === "accepted" && whole, `byte ${at}`).toBe(false);
  }
});

test("reordering, dropping and repeating are refused", async () => {
  const { records } = await (await segment()).close();
  const pick = (...places: number[]) => feed([envelope.bytes, ...places.map((at) => records[at]!)]);
  expect(await pick(0, 1, 2, 3, 4)).toEqual(["key", "", "next"]);
  expect(await pick(0, 2, 1)).toBe("out-of-order");
  expect(await pick(0, 1, 1)).toBe("out-of-order");
  expect(await pick(0, 1, 2, 4)).toBe("out-of-order");
  expect(await pick(0, 1, 2, 3, 4, 4)).toBe("after-close");
  expect(await pick(1)).toBe("not-of-segment");
  expect(await pick(0, 1, 2, 3, 4, 0)).toBe("out-of-order");
});

test("a refusal ends the stream", async () => {
  const { records } = await segment();
  const stream = opener();
  await stream.push(envelope.bytes);
  await expect(stream.push(records[1]!)).rejects.toThrow(/not-of-segment/);
  await expect(stream.push(records[0]!)).rejects.toThrow(/not-of-segment/);
});

test("a frame of another segment does not open", async () => {
  const [mine, other] = [await segment(), await segment()];
  expect(await feed([envelope.bytes, mine.records[0]!, other.records[1]!])).toBe("forged");
});

test("a segment without its envelope, or of another key, is refused", async () => {
  const { records } = await segment();
  expect(await feed(records)).toBe("no-envelope");
  const stranger = await segment({ secret: filled(43, 32) });
  expect(await feed([envelope.bytes, ...stranger.records])).toBe("forged");
});

test("unknown versions and ciphers are refused", async () => {
  for (const parts of [{ version: 2 }, { aead: 1 }, { aead: 3 }]) {
    const { records } = await segment(parts);
    expect(await feed([envelope.bytes, ...records])).toBe("unknown");
  }
});

test("another rendition, camera or sealer is refused", async () => {
  const sub = await segment({ rendition: 1 });
  expect(await feed([envelope.bytes, ...sub.records])).toBe("other-scope");
  const camera = await segment({ scope: { ...SCOPE, camera: SCOPE.epoch as never } });
  expect(await feed([envelope.bytes, ...camera.records])).toBe("other-scope");
  const stranger = await segment({ sealer: await keyOf(66) });
  expect(await feed([envelope.bytes, ...stranger.records])).toBe("not-the-sealer");
});

test("a segment starts with a picture, and every track with its configuration", async () => {
  const begin = async () => new SegmentWriter({ number: 0n, sealer, secret: SECRET }).begin();
  const data = ascii("x");
  for (const first of [
    { data, flags: 0 },
    { data, flags: 1 },
    { data, flags: 3, track: 2, config: filled(0, 0) },
  ]) {
    const writer = await (await begin()).frame(first);
    expect(await feed([envelope.bytes, ...writer.records])).toBe("out-of-order");
  }
  const continued = await (await begin()).frame({ data, flags: 2, config: VIDEO_CONFIG });
  expect(await feed([envelope.bytes, ...continued.records])).toEqual(["x"]);
  const event = { data, track: 2, config: filled(0, 0) };
  const good = await (await segment()).frame(event);
  expect(await feed([envelope.bytes, ...good.records])).toEqual(["key", "", "next", "x"]);
  const bad = await (await segment()).frame({ data, track: 2 });
  expect(await feed([envelope.bytes, ...bad.records])).toBe("out-of-order");
});

test("a decode time after the presentation time is refused", async () => {
  const late = await (await segment()).frame({ data: ascii("x"), decodeOffset: 1 });
  expect(await feed([envelope.bytes, ...late.records])).toBe("unknown");
});

test("a close that tells another number or length is refused", async () => {
  for (const bend of [{ number: 9n }, { bytes: 9n }]) {
    const writer = await (await segment()).close(NOW, bend);
    expect(await feed([envelope.bytes, ...writer.records])).toBe("forged");
  }
});

test("segments follow each other", async () => {
  const first = await (await segment()).close();
  const next = await segment({ number: 1n, previous: first.chain });
  const stream = opener();
  await stream.push(concat(envelope.bytes, ...first.records));
  const [begun] = await stream.push(next.records[0]!);
  expect(begun).toMatchObject({ kind: "segment", follows: true });
  const spliced = await segment({ number: 1n, previous: filled(9, 32) });
  const both = [envelope.bytes, ...first.records, ...spliced.records];
  expect(await feed(both)).toBe("broken-chain");
  const later = await segment({ number: 5n, previous: filled(9, 32) });
  const hole = opener();
  await hole.push(concat(envelope.bytes, ...first.records));
  expect((await hole.push(later.records[0]!))[0]).toMatchObject({ follows: false });
});

test("more pending bytes than the limit end the stream", async () => {
  const stream = opener();
  const chunk = new Uint8Array(33 * 1024 * 1024);
  const pushes = await Promise.allSettled([stream.push(chunk), stream.push(chunk)]);
  expect(pushes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});

test("random bytes never throw anything else and never hang", async () => {
  const { records } = await (await segment()).close();
  const whole = concat(envelope.bytes, ...records);
  for (let round = 0; round < 300; round += 1) {
    const noise = crypto.getRandomValues(new Uint8Array(round));
    await verdict(() => opener().push(noise));
    const changed = whole.slice();
    for (let each = 0; each < 1 + (round % 4); each += 1) {
      const at = Math.floor(Math.random() * changed.length);
      changed[at] = Math.floor(Math.random() * 256);
    }
    await verdict(() => opener().push(changed));
  }
});
