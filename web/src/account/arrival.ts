// A new device of a household that exists: from what the gateway has for it (statements, a locked key store, a
// grant) to an account. Nothing of it is believed without a check that the gateway can't pass on its own.

import { fromBase64Url, toBase64Url } from "../api/base64.ts";
import type { SessionDocument } from "../api/documents.ts";
import { generateDeviceKey, thumbprintOf } from "../api/dpop.ts";
import type { Bytes } from "../domain/bytes.ts";
import { SealedError } from "../domain/errors.ts";
import type { DeviceId, Hash } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";
import type { Keystore } from "../identity/keystore.ts";
import { relockKeystore, unlockKeystore } from "../identity/keystore.ts";
import { nextPlace } from "../identity/roster/rules.ts";
import type { Statement } from "../identity/roster/statement.ts";
import { decodeStatement, signStatement } from "../identity/roster/statement.ts";
import { RosterHistory } from "../sealed/roster.ts";
import type { Environment } from "./environment.ts";
import { doorOf } from "./environment.ts";
import { AccountError } from "./errors.ts";
import { numbered, parseName } from "./name.ts";
import { sabotaged, TEST_BUILD } from "./sabotage.ts";
import type { Vault } from "./vault.ts";
import { newVault } from "./vault.ts";

/** What the gateway has for somebody who proved something. */
export interface Welcome {
  readonly statements: readonly string[];
  readonly keystore: string;
  readonly grant: string;
  /** What the member's other devices are called. */
  readonly deviceNames: readonly string[];
}

/** What the new device knows for itself. */
export interface Proof {
  /** Opens the key store. */
  readonly lock: CryptoKey;
  /** Hash of the genesis, when somebody trusted told it; else the genesis must be the member's own. */
  readonly genesis: Hash | null;
  /** Hash of a statement that the roster must have, when somebody trusted told it. */
  readonly head: Hash | null;
}

/** Someone's household as it was checked. */
export interface Household {
  readonly keystore: Keystore;
  readonly locked: Bytes;
  readonly history: RosterHistory;
  readonly first: Statement;
  readonly statements: readonly Bytes[];
}

/**
 * The roster and keys that are meant. A gateway can make up a roster, but neither the key store nor, therefore,
 * a genesis that its identity signed.
 */
export async function checkHousehold(welcome: Welcome, proof: Proof): Promise<Household> {
  const locked = decoded(welcome.keystore);
  const keystore = await unlockKeystore(locked, proof.lock).catch(refused);
  const statements = welcome.statements.map(decoded);
  const [first, ...rest] = await Promise.all(statements.map(decodeStatement)).catch(refused);
  if (first === undefined) throw new AccountError("roster-refused");
  const history = await RosterHistory.begin(first, first.hash).catch(refused);
  for (const statement of rest) await history.add(statement).catch(refused);
  const roster = history.current;
  const member = roster.members.get(keystore.member);
  const own = keystore.identity.public.id;
  const isMine = roster.site === keystore.site && member?.identity.id === own;
  const isTold = proof.genesis !== null && first.hash === proof.genesis;
  const isOwn = proof.genesis === null && first.author === own && member?.role === "owner";
  const isAnchored = isTold || isOwn || (TEST_BUILD && sabotaged("L-6"));
  if (!isMine || !isAnchored) throw new AccountError("not-anchored");
  const reaches = proof.head === null || history.at(proof.head) !== undefined;
  if (!reaches && !(TEST_BUILD && sabotaged("N-4"))) throw new AccountError("roster-rolled-back");
  return { keystore, locked, history, first, statements };
}

/** Puts this device on the roster, signed by the member's own identity, and makes its account. */
export async function arrive(
  environment: Environment,
  welcome: Welcome,
  proof: Proof,
  deviceName: string,
): Promise<Vault> {
  const chosen = parseName(deviceName);
  // A suggestion that the person left as it was gets a number where it is taken; what they typed stays.
  const isSuggested = chosen === environment.deviceName;
  const name = isSuggested ? numbered(chosen, welcome.deviceNames) : chosen;
  const { keystore, locked, history, first, statements } = await checkHousehold(welcome, proof);
  const deviceKey = await generateDeviceKey();
  const device = idOf<DeviceId>(crypto.getRandomValues(new Uint8Array(16)));
  const thumbprint = await thumbprintOf(deviceKey);
  const { site, member, identity } = keystore;
  const now = BigInt(Date.now());
  const time = now > history.current.time ? now : history.current.time;
  const operation = { kind: "add-device", member, device, thumbprint } as const;
  const statement = await signStatement(identity, nextPlace(history.current), time, operation);
  const door = doorOf(environment, deviceKey);
  const session = await door.send<SessionDocument>("POST", "/sign-in/device", {
    grant: welcome.grant,
    statement: toBase64Url(statement.bytes),
    deviceName: name,
  });
  const isMine = session.site === site && session.member === member && session.device === device;
  if (!isMine) throw new AccountError("not-me");
  await history.add(statement);
  const { token, expiresMs } = session;
  const owner = { site, member, device };
  return await newVault(environment.store, owner, {
    deviceKey,
    token: { token, expiresMs },
    roster: { genesis: first.hash, statements: [...statements, statement.bytes] },
    lockKeystore: (storeKey) => relockKeystore(locked, proof.lock, storeKey),
  });
}

function decoded(text: string): Bytes {
  const bytes = fromBase64Url(text);
  if (bytes === null) throw new AccountError("roster-refused");
  return bytes;
}

function refused(cause: unknown): never {
  throw cause instanceof SealedError ? new AccountError("roster-refused", { cause }) : cause;
}
