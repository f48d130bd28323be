// Statements: one encoding of every operation, and limits.

import { expect, test } from "vitest";

import { concat } from "../../domain/bytes.ts";
import { Writer } from "../../domain/wire.ts";
import {
  CAMERA,
  cameraOf,
  deviceOf,
  filled,
  genesisOperation,
  genesisStatement,
  keyOf,
  memberOf,
  NOW,
  OWNER,
  readerOf,
  SITE,
  thumbprintOf,
  ZERO,
} from "../../sealed/testing/household.ts";
import { verdict } from "../../sealed/testing/refusal.ts";
import type { Operation, Role } from "./operation.ts";
import { encodeOperation } from "./operation.ts";
import { decodeStatement, signStatement } from "./statement.ts";

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

test("statements round trip", async () => {
  const key = (await readerOf(9)).public;
  const identity = (await keyOf(9)).public;
  const operations: Operation[] = [
    await genesisOperation(),
    await join(9, "viewer", 77n),
    await join(9, "admin"),
    { kind: "remove-member", member: OWNER },
    { kind: "set-role", member: OWNER, role: "auditor", expires: 5n, cameras: [] },
    await ownReader(1),
    { kind: "retire-reader-key", key: key.id },
    { kind: "add-device", member: OWNER, device: deviceOf(1), thumbprint: thumbprintOf(2) },
    { kind: "remove-device", device: deviceOf(4) },
    { kind: "add-camera", camera: CAMERA, sealer: identity.id },
    { kind: "remove-camera", camera: CAMERA },
    { kind: "add-sealer", key: identity },
    { kind: "replace-recovery", identity, reader: key },
    { kind: "rename-device", device: deviceOf(4), name: "\ufeffZoe\u0308’s phone 📱" },
    { kind: "rename-member", member: OWNER, name: "🎥".repeat(64) },
  ];
  const place = { site: SITE, sequence: 7n, previous: ZERO };
  for (const operation of operations) {
    const statement = await signStatement(await keyOf(1), place, NOW, operation);
    expect(await decodeStatement(statement.bytes)).toEqual(statement);
  }
});

test("rights that no reader takes are not signed", async () => {
  const [a, b] = [cameraOf(1), cameraOf(2)];
  const rights = { kind: "set-role", member: OWNER, role: "viewer", expires: null } as const;
  const encode = (operation: Operation) => () => encodeOperation(new Writer(), operation);
  expect(encode({ ...rights, cameras: [b, a] })).toThrow(RangeError);
  expect(encode({ ...rights, cameras: [a, a] })).toThrow(RangeError);
  expect(encode({ ...rights, role: "admin", cameras: [a] })).toThrow(RangeError);
  expect(encode({ ...rights, expires: 0n, cameras: [] })).toThrow(RangeError);
});

test("statements over the limit and with bytes left over are refused", async () => {
  const { bytes } = await genesisStatement();
  expect(await verdict(() => decodeStatement(filled(1, 16_385)))).toBe("too-long");
  expect(await verdict(() => decodeStatement(concat(bytes, filled(0, 1))))).toBe("trailing");
});
