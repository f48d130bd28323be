// Every rule of the roster, each with the statement that breaks it.

import { beforeEach, expect, test } from "vitest";

import type { RosterHistory } from "../../sealed/roster.ts";
import { RosterHistory as History } from "../../sealed/roster.ts";
import {
  addBy,
  CAMERA,
  cameraOf,
  deviceOf,
  filled,
  genesisOperation,
  genesisStatement,
  household,
  keyOf,
  memberOf,
  NOW,
  OWNER,
  readerOf,
  SITE,
  siteOf,
  thumbprintOf,
  ZERO,
} from "../../sealed/testing/household.ts";
import { verdict } from "../../sealed/testing/refusal.ts";
import { readerPublic } from "../reader.ts";
import type { Operation, Role } from "./operation.ts";
import { begin } from "./rules.ts";
import { mayWatch, recipients } from "./state.ts";
import { decodeStatement, signStatement } from "./statement.ts";

let home: RosterHistory;

beforeEach(async () => {
  home = await household();
});

async function join(member: number, role: Role, expires: bigint | null = null): Promise<Operation> {
  const identity = (await keyOf(member)).public;
  const cameras = role === "viewer" ? [CAMERA] : [];
  return { kind: "add-member", member: memberOf(member), role, identity, expires, cameras };
}

const ownReader = async (member: number, seed = member): Promise<Operation> => ({
  kind: "add-reader-key",
  member: memberOf(member),
  key: (await readerOf(seed)).public,
});

/** What comes of `author` signing `operation`. */
const by = (author: number, operation: Operation, time = NOW) =>
  verdict(() => addBy(home, author, operation, time));

test("every changed byte is refused", async () => {
  const { bytes } = await genesisStatement();
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = bytes.slice();
    changed[at]! ^= 1;
    const refused = await verdict(async () => begin(await decodeStatement(changed)));
    expect(refused, `byte ${at}`).not.toBe("accepted");
  }
});

test("a stranger adds nobody", async () => {
  expect(await by(66, await join(66, "member"))).toBe("unknown-author");
  expect(home.current.length).toBe(2n);
});

test("replayed, forked and foreign statements are refused", async () => {
  const { site, length, head } = home.current;
  const place = { site, sequence: length, previous: head };
  const owner = await keyOf(1);
  const first = await signStatement(owner, place, NOW, await join(9, "member"));
  const fork = await signStatement(owner, place, NOW, await join(10, "member"));
  const both = await Promise.all([first, fork].map((each) => verdict(() => home.add(each))));
  expect(both).toEqual(["accepted", "not-next"]);
  expect(await verdict(() => home.add(first))).toBe("not-next");
  const other = { ...place, site: siteOf(9) };
  const foreign = await signStatement(owner, other, NOW, await join(10, "member"));
  expect(await verdict(() => home.add(foreign))).toBe("other-site");
  expect(await by(1, await genesisOperation())).toBe("second-genesis");
});

test("a genesis other than the pinned one is refused", async () => {
  const genesis = await genesisStatement();
  expect(await verdict(() => History.begin(genesis, ZERO))).toBe("other-site");
  const statement = await signStatement(
    await keyOf(1),
    { site: SITE, sequence: 0n, previous: ZERO },
    NOW,
    await join(9, "member"),
  );
  expect(await verdict(() => begin(statement))).toBe("no-genesis");
});

test("a changed signature is refused", async () => {
  const { site, length, head } = home.current;
  const place = { site, sequence: length, previous: head };
  const statement = await signStatement(await keyOf(1), place, NOW, await join(9, "member"));
  const changed = statement.bytes.slice();
  changed[changed.length - 1]! ^= 1;
  const read = await decodeStatement(changed);
  expect(await verdict(() => home.add(read))).toBe("bad-signature");
});

test("admins reach neither owners, admins nor recovery", async () => {
  await addBy(home, 1, await join(9, "admin"));
  const key = (await readerOf(8)).public;
  const identity = (await keyOf(8)).public;
  const promote = { role: "owner", expires: null, cameras: [] } as const;
  for (const operation of [
    await join(10, "owner"),
    await join(10, "admin"),
    { kind: "remove-member", member: OWNER },
    { kind: "remove-member", member: memberOf(9) },
    { kind: "remove-device", device: deviceOf(1) },
    { kind: "add-reader-key", member: OWNER, key },
    { kind: "replace-recovery", identity, reader: key },
    { kind: "set-role", member: memberOf(9), ...promote },
    { kind: "set-role", member: OWNER, ...promote, role: "member" },
    { kind: "retire-reader-key", key: (await readerOf(1)).public.id },
  ] as Operation[]) {
    expect(await by(9, operation), operation.kind).toBe("not-allowed");
  }
  expect(await by(9, await join(11, "viewer"))).toBe("accepted");
  expect(await by(11, await join(12, "viewer"))).toBe("not-allowed");
});

test("statements that are added without waiting take effect in order", async () => {
  for (let round = 0; round < 40; round += 1) {
    const { site, length, head } = home.current;
    const owner = await keyOf(1);
    const [camera, sealer] = [cameraOf(50), (await keyOf(4)).public.id];
    const place = { site, sequence: length, previous: head };
    const add = await signStatement(owner, place, NOW, { kind: "add-camera", camera, sealer });
    const then = { site, sequence: length + 1n, previous: add.hash };
    const remove = await signStatement(owner, then, NOW, { kind: "remove-camera", camera });
    await Promise.all([home.add(add), home.add(remove)]);
    expect(home.current.head).toBe(remove.hash);
    const fork = await signStatement(owner, place, NOW, { kind: "remove-camera", camera });
    expect(await verdict(() => home.add(fork))).toBe("not-next");
  }
});

test("the last owner stays", async () => {
  const leave = { kind: "remove-member", member: OWNER } as const;
  const rights = { expires: null, cameras: [] } as const;
  const demote = { kind: "set-role", member: OWNER, role: "member", ...rights } as const;
  expect(await by(1, leave)).toBe("last-owner");
  expect(await by(1, demote)).toBe("last-owner");
  expect(await by(1, { ...demote, role: "owner", expires: 5n })).toBe("last-owner");
  await addBy(home, 1, await join(9, "owner", NOW + 1n));
  expect(await by(1, leave)).toBe("last-owner");
  await addBy(home, 1, await join(10, "owner"));
  expect(await by(10, leave)).toBe("accepted");
  expect(await by(1, await join(11, "member"))).toBe("unknown-author");
  expect(home.current.devices.size).toBe(0);
});

test("recipients are those who may watch, ascending by key id", async () => {
  await addBy(home, 1, await join(9, "viewer"));
  await addBy(home, 1, await join(10, "auditor"));
  for (const member of [9, 10]) await addBy(home, member, await ownReader(member));
  const who = (camera = CAMERA) =>
    recipients(home.current, camera, NOW)
      .map(({ member }) => member ?? "recovery")
      .sort();
  expect(who()).toEqual([OWNER, memberOf(9), "recovery"].sort());
  expect(who(cameraOf(99))).toEqual([OWNER, "recovery"].sort());
  expect(mayWatch(home.current, memberOf(10), CAMERA, NOW)).toBe(false);
});

test("an expired viewer gets nothing and says nothing", async () => {
  await addBy(home, 1, await join(9, "viewer", NOW + 10n));
  await addBy(home, 9, await ownReader(9));
  expect(recipients(home.current, CAMERA, NOW)).toHaveLength(3);
  expect(recipients(home.current, CAMERA, NOW + 10n)).toHaveLength(2);
  expect(await by(9, await ownReader(9, 10), NOW + 11n)).toBe("unknown-author");
});

test("recovery words add a device for an owner only", async () => {
  await addBy(home, 1, await join(9, "member"));
  const add = { kind: "add-device", device: deviceOf(7), thumbprint: thumbprintOf(7) } as const;
  expect(await by(2, { ...add, member: memberOf(9) })).toBe("not-allowed");
  expect(await by(2, { ...add, member: OWNER })).toBe("accepted");
  expect(await by(1, { ...add, member: OWNER })).toBe("exists");
});

test("cameras need a known sealer", async () => {
  const camera = cameraOf(9);
  const sealer = (await keyOf(66)).public.id;
  expect(await by(1, { kind: "add-camera", camera, sealer })).toBe("not-found");
  const known = { kind: "add-camera", camera: CAMERA, sealer: (await keyOf(4)).public.id } as const;
  expect(await by(1, known)).toBe("exists");
  expect(await by(1, { kind: "remove-camera", camera })).toBe("not-found");
});

test("reader keys are unique and bounded, and retire", async () => {
  expect(await by(1, { ...(await ownReader(1)), member: OWNER } as Operation)).toBe("exists");
  expect(await by(1, { ...(await ownReader(2)), member: OWNER } as Operation)).toBe("exists");
  await addBy(home, 1, await join(9, "member"));
  for (let seed = 20; seed < 28; seed += 1) await addBy(home, 9, await ownReader(9, seed));
  expect(await by(9, await ownReader(9, 28))).toBe("full");
  const key = (await readerOf(20)).public.id;
  expect(await by(9, { kind: "retire-reader-key", key })).toBe("accepted");
  expect(await by(9, { kind: "retire-reader-key", key })).toBe("not-found");
});

test("a malformed reader key is refused", async () => {
  const reader = filled(0xff, 1216); // coefficients above the modulus, FIPS 203 §7.2
  expect(await verdict(() => readerPublic(0x647a, reader))).toBe("bad-reader-key");
  expect(await verdict(() => readerPublic(0x0020, reader))).toBe("bad-reader-key");
});

test("old heads are worked out again", async () => {
  const heads = [home.current];
  for (let round = 0; round < 80; round += 1) {
    const camera = cameraOf(100 + (round >> 1));
    const sealer = (await keyOf(4)).public.id;
    const operation: Operation =
      round % 2 === 0 ? { kind: "add-camera", camera, sealer } : { kind: "remove-camera", camera };
    await addBy(home, 1, operation);
    heads.push(home.current);
  }
  for (const roster of heads) expect(home.at(roster.head)).toEqual(roster);
  expect(home.at(ZERO)).toBeUndefined();
});
