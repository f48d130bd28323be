// Key stores: their lock, and nothing else, opens them.

import { expect, test } from "vitest";

import { concat } from "../domain/bytes.ts";
import type { MemberId, SiteId } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";
import { verdict } from "../sealed/testing/refusal.ts";
import { signingKeyFromSeed } from "./key.ts";
import type { KeystoreSeeds } from "./keystore.ts";
import {
  decodeKeystore,
  encodeKeystore,
  lockKeystore,
  MAX_READER_KEYS,
  relockKeystore,
  unlockKeystore,
} from "./keystore.ts";
import { readerKeyFromSeed } from "./reader.ts";
import { lockFrom } from "./recovery.ts";

const filled = (byte: number, length = 32) => new Uint8Array(length).fill(byte);
const lock = (byte: number) => lockFrom(filled(byte));

const seeds = (): KeystoreSeeds => ({
  site: idOf<SiteId>(filled(1, 16)),
  member: idOf<MemberId>(filled(2, 16)),
  identity: filled(4),
  readers: [
    { suite: 0x0020, seed: filled(3) },
    { suite: 0x647a, seed: filled(5) },
  ],
});

test("opens with its lock only", async () => {
  const locked = await lockKeystore(seeds(), await lock(5));
  const store = await unlockKeystore(locked, await lock(5));
  expect([store.site, store.member]).toEqual([seeds().site, seeds().member]);
  expect(store.identity.public).toEqual((await signingKeyFromSeed(filled(4))).public);
  const readers = [
    await readerKeyFromSeed(0x0020, filled(3)),
    await readerKeyFromSeed(0x647a, filled(5)),
  ];
  expect(store.readers.map((key) => key.public)).toEqual(readers.map((key) => key.public));
  expect(await verdict(async () => unlockKeystore(locked, await lock(9)))).toBe("does-not-open");
});

test("the clear form round trips and holds its limits", async () => {
  expect(decodeKeystore(encodeKeystore(seeds()))).toEqual(seeds());
  const clear = encodeKeystore(seeds());
  const newer = concat(filled(2, 1), clear.subarray(1));
  expect(await verdict(() => decodeKeystore(newer))).toBe("unknown");
  expect(await verdict(() => decodeKeystore(clear.subarray(0, 70)))).toBe("short");
  expect(await verdict(() => decodeKeystore(concat(clear, filled(0, 1))))).toBe("trailing");
  const readers = Array.from({ length: MAX_READER_KEYS + 1 }, () => seeds().readers[0]!);
  expect(() => encodeKeystore({ ...seeds(), readers })).toThrow(RangeError);
});

test("every changed byte is noticed", async () => {
  const locked = await lockKeystore(seeds(), await lock(5));
  for (let at = 0; at < locked.length; at += 1) {
    const changed = locked.slice();
    changed[at]! ^= 1;
    const refused = await verdict(async () => unlockKeystore(changed, await lock(5)));
    expect(refused, `byte ${at}`).toBe(at === 0 ? "unknown" : "does-not-open");
  }
});

test("another lock can be added", async () => {
  const locked = await lockKeystore(seeds(), await lock(5));
  const again = await relockKeystore(locked, await lock(5), await lock(6));
  expect((await unlockKeystore(again, await lock(6))).member).toBe(seeds().member);
  expect(again).not.toEqual(locked);
});
