// Records: headers, the chain, and cutting bytes however they come.

import { expect, test } from "vitest";

import type { Bytes } from "../domain/bytes.ts";
import { ascii, concat } from "../domain/bytes.ts";
import { SealedError } from "../domain/errors.ts";
import { chainAfter, decodeHeader, hashOf, MAX_BODY, Splitter } from "./record.ts";
import { coveredOf, record } from "./testing/sealer.ts";

const zero = new Uint8Array(32);
const manifest = () => record({ kind: 5, rendition: 1 }, zero, ascii("body"));

const codeOf = (bytes: Bytes): string => {
  try {
    decodeHeader(bytes);
  } catch (error) {
    if (error instanceof SealedError) return error.code;
    throw error;
  }
  return "accepted";
};

test("records round trip in every cut", async () => {
  const stream = concat((await manifest()).bytes, (await manifest()).bytes);
  for (let at = 0; at <= stream.length; at += 1) {
    const splitter = new Splitter();
    const head = [...splitter.push(stream.slice(0, at))];
    const records = [...head, ...splitter.push(stream.slice(at))];
    expect(records.map(({ body }) => new TextDecoder().decode(body))).toEqual(["body", "body"]);
    expect(splitter.pending).toBe(false);
  }
});

test("single bytes are enough", async () => {
  const splitter = new Splitter();
  const bytes = (await manifest()).bytes;
  const records = [...bytes].flatMap((byte) => [...splitter.push(Uint8Array.of(byte))]);
  expect(records).toHaveLength(1);
  expect(await hashOf(records[0]!)).toEqual((await manifest()).chain);
});

test("a changed byte breaks the check", async () => {
  const { bytes } = await manifest();
  for (const at of [6, 12, 15, bytes.length - 1]) {
    const changed = bytes.slice();
    changed[at]! ^= 1;
    const [read] = new Splitter().push(changed);
    await expect(hashOf(read!)).rejects.toThrow(/wrong-check/);
  }
});

test("the chain binds what was before", async () => {
  const first = await record({ kind: 2 }, zero, ascii("a"));
  const second = await record({ kind: 3, flags: 1 }, first.chain, ascii("b"));
  const [read] = new Splitter().push(second.bytes);
  expect(await chainAfter(first.chain, read!)).toEqual(second.chain);
  await expect(chainAfter(zero, read!)).rejects.toThrow(/wrong-check/);
});

test("headers that no writer makes are refused", () => {
  const header = (parts: Parameters<typeof coveredOf>[0], length = 0) => {
    return codeOf(concat(coveredOf(parts, length), new Uint8Array(4)));
  };
  expect(header({ kind: 3, flags: 3, track: 3, index: 9 })).toBe("accepted");
  expect(header({ kind: 4, index: 9 })).toBe("accepted");
  expect(header({ kind: 3 }, MAX_BODY + 1)).toBe("too-long");
  for (const parts of [
    { kind: 0 },
    { kind: 6 },
    { kind: 3, flags: 4 },
    { kind: 3, rendition: 2 },
    { kind: 3, track: 4 },
    { kind: 4, flags: 1 },
    { kind: 2, track: 1 },
    { kind: 5, index: 1 },
  ]) {
    expect(header(parts)).toBe("unknown");
  }
});
