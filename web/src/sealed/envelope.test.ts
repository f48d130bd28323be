// Envelopes: what opens, and each way in which a server, a thief or a neighbour could cheat.

import { beforeAll, expect, test } from "vitest";

import type { Bytes } from "../domain/bytes.ts";
import { concat } from "../domain/bytes.ts";
import { sign } from "../identity/key.ts";
import type { ReaderKey } from "../identity/reader.ts";
import { recipients } from "../identity/roster/state.ts";
import { decodeEnvelope, openEnvelope, verifyEnvelope } from "./envelope.ts";
import { HEADER_LEN } from "./record.ts";
import type { RosterHistory } from "./roster.ts";
import {
  addBy,
  cameraOf,
  epochOf,
  filled,
  household,
  keyOf,
  NOW,
  readerOf,
  SCOPE,
  siteOf,
} from "./testing/household.ts";
import { verdict } from "./testing/refusal.ts";
import type { EnvelopeBend } from "./testing/sealer.ts";
import { envelopeRecord } from "./testing/sealer.ts";

const SECRET = filled(42, 32);
let home: RosterHistory;
let owner: ReaderKey;
let recovery: ReaderKey;

beforeAll(async () => {
  [home, owner, recovery] = await Promise.all([household(), readerOf(1), readerOf(2)]);
});

async function body(sealer = 4, bend: EnvelopeBend = {}): Promise<Bytes> {
  const { bytes } = await envelopeRecord(await keyOf(sealer), home.current, SECRET, bend);
  return bytes.subarray(HEADER_LEN);
}

const open = (bytes: Bytes, key: ReaderKey) =>
  verdict(() => openEnvelope(decodeEnvelope(bytes), home.current, [key]));

/** Signs a changed body anew, as a malicious sealer could. */
async function resigned(bytes: Bytes, seed = 4): Promise<Bytes> {
  const message = bytes.subarray(0, bytes.length - 64);
  return concat(message, await sign(await keyOf(seed), "bartizan/v1/envelope", message));
}

test("every recipient opens it, in both suites, and nobody else", async () => {
  const bytes = await body();
  expect(await open(bytes, owner)).toBe("accepted");
  expect(await open(bytes, recovery)).toBe("accepted");
  expect(await open(bytes, await readerOf(66))).toBe("not-for-me");
  expect([owner.public.suite, recovery.public.suite]).toEqual([0x647a, 0x0020]);
});

test("an X25519 key and the epoch's secret can't be read by JavaScript", async () => {
  const epoch = await openEnvelope(decodeEnvelope(await body()), home.current, [recovery]);
  expect(recovery.pair.privateKey.extractable).toBe(false);
  expect(epoch.secret.extractable).toBe(false);
});

test("every changed byte is refused", async () => {
  const bytes = await body();
  const envelope = decodeEnvelope(bytes);
  expect(await verdict(() => verifyEnvelope(envelope, home.current))).toBe("accepted");
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = bytes.slice();
    changed[at]! ^= 1;
    const refused = await verdict(() => verifyEnvelope(decodeEnvelope(changed), home.current));
    expect(refused, `byte ${at}`).not.toBe("accepted");
  }
});

test("every cut is refused", async () => {
  const bytes = await body();
  for (let length = 0; length < bytes.length; length += 1) {
    expect(await verdict(() => decodeEnvelope(bytes.subarray(0, length)))).toBe("short");
  }
  expect(await verdict(() => decodeEnvelope(concat(bytes, filled(0, 1))))).toBe("trailing");
});

test("a stranger's envelope is refused, signed in either name", async () => {
  expect(await open(await body(66), owner)).toBe("not-the-sealer");
  expect(await open(await resigned(await body(), 66), owner)).toBe("bad-signature");
});

test("a ghost recipient is refused even with the sealer's signature", async () => {
  const entitled = recipients(home.current, SCOPE.camera, NOW).map(({ key }) => key);
  const ghost = await readerOf(66);
  const bytes = await body(4, { recipients: [...entitled, ghost.public] });
  expect(await open(bytes, owner)).toBe("wrong-recipients");
});

test("a missing recipient is refused", async () => {
  expect(await open(await body(4, { recipients: [owner.public] }), owner)).toBe("wrong-recipients");
});

test("a secret other than the committed one is refused", async () => {
  const bytes = await body(4, { wrapped: filled(43, 32) });
  expect(await open(bytes, owner)).toBe("not-committed");
  expect(await open(bytes, recovery)).toBe("not-committed");
});

test("a wrap for other circumstances does not open", async () => {
  const bytes = await body();
  const { wraps } = decodeEnvelope(bytes);
  const mine = wraps.find((wrap) => wrap.key === recovery.public.id)!;
  const at = Buffer.from(bytes).indexOf(Buffer.from(mine.ciphertext));
  const changed = bytes.slice();
  changed[at]! ^= 1;
  expect(await open(await resigned(changed), recovery)).toBe("does-not-open");
  expect(await open(await resigned(changed), owner)).toBe("accepted");
});

test("a suite other than the key's is refused", async () => {
  expect(await open(await body(4, { suite: 0x0010 }), owner)).toBe("unknown");
  const only = { recipients: [recovery.public], suite: 0x647a };
  expect(await open(await body(4, only), recovery)).toBe("short");
});

test("another site, camera, epoch or roster is refused", async () => {
  const elsewhere = { ...SCOPE, site: siteOf(9) };
  expect(await open(await body(4, { scope: elsewhere }), owner)).toBe("other-site");
  const camera = { ...SCOPE, camera: cameraOf(9) };
  expect(await open(await body(4, { scope: camera }), owner)).toBe("not-the-sealer");
  const later = await household();
  await addBy(later, 1, { kind: "add-sealer", key: (await keyOf(77)).public });
  const envelope = decodeEnvelope(await body());
  expect(await verdict(() => openEnvelope(envelope, later.current, [owner]))).toBe("other-roster");
  expect(later.at(envelope.rosterHead)).toEqual(home.current);
});

test("wraps out of order or repeated are refused", async () => {
  const [a, b] = [owner.public, recovery.public];
  expect(await open(await body(4, { recipients: [a, a, b] }), owner)).toBe("unknown");
});

test("an envelope of another epoch does not pass for this one", async () => {
  const other = await body(4, { scope: { ...SCOPE, epoch: epochOf(9) } });
  const changed = other.slice();
  changed.set(filled(3, 16), 33);
  expect(await open(await resigned(changed), owner)).toBe("does-not-open");
});
