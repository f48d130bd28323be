// Names on the roster: who may give which, and what a name never changes.

import { beforeEach, expect, test } from "vitest";

import { Writer } from "../../domain/wire.ts";
import type { RosterHistory } from "../../sealed/roster.ts";
import {
  addBy,
  CAMERA,
  deviceOf,
  household,
  keyOf,
  memberOf,
  NOW,
  OWNER,
  thumbprintOf,
} from "../../sealed/testing/household.ts";
import { verdict } from "../../sealed/testing/refusal.ts";
import type { Operation, Role } from "./operation.ts";
import { encodeOperation } from "./operation.ts";
import { recipients } from "./state.ts";

let home: RosterHistory;

/** The owner with device 1; an admin 9, an admin 10 and a viewer 11, each with the device of their number. */
beforeEach(async () => {
  home = await household();
  for (const [member, role] of [
    [9, "admin"],
    [10, "admin"],
    [11, "viewer"],
  ] as [number, Role][]) {
    const identity = (await keyOf(member)).public;
    const cameras = role === "viewer" ? [CAMERA] : [];
    const join = { kind: "add-member", role, identity, expires: null, cameras } as const;
    await addBy(home, 1, { ...join, member: memberOf(member) });
    const device = { device: deviceOf(member), thumbprint: thumbprintOf(member) };
    await addBy(home, member, { kind: "add-device", member: memberOf(member), ...device });
  }
});

const call = (member: number, name: string): Operation => {
  return { kind: "rename-member", member: member === 1 ? OWNER : memberOf(member), name };
};
const callDevice = (device: number, name: string): Operation => {
  return { kind: "rename-device", device: deviceOf(device), name };
};
const by = (author: number, operation: Operation) => verdict(() => addBy(home, author, operation));

test("names are given by their bearer and by whoever could remove it", async () => {
  for (const [author, whom, expected] of [
    [1, 1, "accepted"],
    [1, 9, "accepted"],
    [2, 1, "accepted"], // The recovery words.
    [9, 9, "accepted"],
    [9, 11, "accepted"],
    [9, 1, "not-allowed"],
    [9, 10, "not-allowed"],
    [11, 11, "accepted"],
    [11, 9, "not-allowed"],
    [66, 1, "unknown-author"],
  ] as const) {
    for (const operation of [call(whom, `by ${author}`), callDevice(whom, `by ${author}`)]) {
      expect(await by(author, operation), `${author} of ${whom}`).toBe(expected);
    }
  }
});

test("a name stays until the next, and the same again is refused", async () => {
  expect(home.current.devices.get(deviceOf(11))?.name).toBeNull();
  for (const name of ["Old phone", "Mum's phone"]) {
    expect(await by(11, callDevice(11, name))).toBe("accepted");
    expect(home.current.devices.get(deviceOf(11))?.name).toBe(name);
    expect(await by(11, callDevice(11, name))).toBe("exists");
  }
  await addBy(home, 11, call(11, "Mum"));
  expect(await by(11, call(11, "Mum"))).toBe("exists");
  const rights = { role: "member", expires: null, cameras: [] } as const;
  await addBy(home, 1, { kind: "set-role", member: memberOf(11), ...rights });
  expect(home.current.members.get(memberOf(11))?.name).toBe("Mum");
  await addBy(home, 11, { kind: "remove-device", device: deviceOf(11) });
  expect(await by(1, callDevice(11, "Ghost"))).toBe("not-found");
  expect(await by(1, call(77, "Ghost"))).toBe("not-found");
});

test("a name changes nobody's rights", async () => {
  const before = recipients(home.current, CAMERA, NOW);
  await addBy(home, 1, call(11, "Mum"));
  await addBy(home, 9, callDevice(11, "Mum's phone"));
  expect(recipients(home.current, CAMERA, NOW)).toEqual(before);
});

test("names that no reader takes are not signed", () => {
  for (const name of ["", " a", "a ", "a\nb", "a".repeat(65), "\ud800"]) {
    const encode = () => encodeOperation(new Writer(), call(1, name));
    expect(encode, JSON.stringify(name)).toThrow(RangeError);
  }
});
