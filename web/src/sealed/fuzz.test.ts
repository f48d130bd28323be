// Foreign bytes at every parser: noise, and valid values that were bent. Whatever comes, the answer is a
// value or a `SealedError`; anything else passes through `verdict` and fails the test.

import { expect, test } from "vitest";

import type { Bytes } from "../domain/bytes.ts";
import { concat } from "../domain/bytes.ts";
import { decodeKeystore } from "../identity/keystore.ts";
import { parseWords } from "../identity/recovery.ts";
import { decodeStatement } from "../identity/roster/statement.ts";
import { decodeEnvelope } from "./envelope.ts";
import { decodeManifest } from "./manifest.ts";
import { HEADER_LEN, Splitter } from "./record.ts";
import { decodeSegmentHeader } from "./segment.ts";
import { filled, genesisStatement, household, keyOf } from "./testing/household.ts";
import { verdict } from "./testing/refusal.ts";
import {
  envelopeRecord,
  manifestRecord,
  record,
  SegmentWriter,
  VIDEO_CONFIG,
} from "./testing/sealer.ts";
import { decodeTrackConfig } from "./track.ts";

const ROUNDS = 400;

/** A small generator of our own, so that a failure can be run again. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function bent(bytes: Bytes, random: (below: number) => number): Bytes {
  const out = bytes.slice();
  for (let each = 0; each <= random(4) && out.length > 0; each += 1) {
    out[random(out.length)] = random(256);
  }
  if (random(3) === 0) return out.subarray(0, random(out.length + 1));
  return random(4) === 0 ? concat(out, filled(random(256), random(40))) : out;
}

const noise = (random: (below: number) => number): Bytes =>
  Uint8Array.from({ length: random(300) }, () => random(256));

const records = (bytes: Bytes) => [...new Splitter().push(bytes)];

async function parsers(): Promise<[string, Bytes, (bytes: Bytes) => unknown][]> {
  const [home, sealer, genesis] = await Promise.all([household(), keyOf(4), genesisStatement()]);
  const envelope = await envelopeRecord(sealer, home.current, filled(42, 32));
  const heads = [{ number: 1n, frames: 2, state: 1, chain: filled(1, 32) }];
  const gaps = [{ reason: 1, from: 1n, to: 2n, first: 0n, segments: 0n }];
  const parts = { sealer, envelope: envelope.chain, counter: 0n, heads, gaps };
  const manifest = await manifestRecord(parts);
  const segment = await new SegmentWriter({ number: 0n, sealer, secret: filled(1, 32) }).begin();
  const body = (bytes: Bytes) => bytes.subarray(HEADER_LEN);
  const again = (kind: number, use: (read: ReturnType<typeof records>[0]) => unknown) => {
    return async (bytes: Bytes) =>
      use(records((await record({ kind }, filled(0, 32), bytes)).bytes)[0]!);
  };
  return [
    ["records", manifest.bytes, records],
    ["envelope", body(envelope.bytes), decodeEnvelope],
    ["manifest", body(manifest.bytes), again(5, decodeManifest)],
    ["segment header", body(segment.records[0]!), again(2, decodeSegmentHeader)],
    ["statement", genesis.bytes, decodeStatement],
    ["key store", concat(filled(1, 1), filled(2, 64), Uint8Array.of(0, 0)), decodeKeystore],
    ["configuration", VIDEO_CONFIG, (bytes) => decodeTrackConfig(bytes, "video")],
    ["words", filled(32, 60), (bytes) => parseWords(new TextDecoder().decode(bytes))],
  ];
}

test("foreign bytes give a value or a refusal", async () => {
  for (const [name, valid, parse] of await parsers()) {
    const random = generator(valid.length);
    const codes = new Set<string>();
    for (let round = 0; round < ROUNDS; round += 1) {
      codes.add(await verdict(() => parse(noise(random))));
      codes.add(await verdict(() => parse(bent(valid, random))));
    }
    expect(codes.size, name).toBeGreaterThan(0);
  }
});
