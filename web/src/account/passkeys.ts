// Passkeys of the member, and the locks that they make for this browser's store. Where the authenticator gives a
// PRF output, the gateway also gets a copy of the key store that only this passkey opens. Adding and removing ask for
// the owner anew: a minute at an unlocked desk is not enough.

import { toBase64Url } from "../api/base64.ts";
import type { CeremonyOf, Passkey, Passkeys } from "../api/documents.ts";
import type { Bytes } from "../domain/bytes.ts";
import { relockKeystore } from "../identity/keystore.ts";
import { confirmOwner } from "./confirm.ts";
import type { Environment } from "./environment.ts";
import { AccountError } from "./errors.ts";
import { newHalf, prfKeys, SECRET_LEN, shareKey } from "./locks.ts";
import { numbered, parseName } from "./name.ts";
import type { OpenSession } from "./open-session.ts";
import { sabotaged, TEST_BUILD } from "./sabotage.ts";
import type { Answer } from "./webauthn.ts";
import {
  createPasskey,
  isThereAlready,
  localOptions,
  namesMissing,
  usePasskey,
} from "./webauthn.ts";

type Creation = CeremonyOf<PublicKeyCredentialCreationOptionsJSON>;
type Request = CeremonyOf<PublicKeyCredentialRequestOptionsJSON>;

/** The member's own passkeys. */
export async function listPasskeys(session: OpenSession): Promise<readonly Passkey[]> {
  return (await session.client.get<Passkeys>("/passkeys")).passkeys;
}

/** Makes a passkey, or takes the one that the authenticator already has; it becomes a lock of this browser. */
export async function addPasskey(
  environment: Environment,
  session: OpenSession,
  text: string,
): Promise<void> {
  const chosen = parseName(text);
  await confirmOwner(environment, session);
  const { client } = session;
  const begun = await client.send<Creation>("POST", "/passkeys/options").catch((error: unknown) => {
    throw namesMissing(error);
  });
  const name = chosen === environment.deviceName ? await ownName(session, chosen) : chosen;
  const rpId = new URL(environment.origin).hostname;
  let made: Answer;
  try {
    made = await createPasskey(environment, begun.options, session.member);
  } catch (error) {
    if (!isThereAlready(error)) throw error;
    return await takePasskey(environment, session, rpId);
  }
  if (!made.prfEnabled) requireShareable(session);
  const keys = made.prf === null ? null : await prfKeys(made.prf);
  const keystore = keys === null ? null : await copyFor(session, keys.keystore);
  await client.send<Passkey>("POST", "/passkeys", {
    ceremony: begun.ceremony,
    credential: made.json,
    name,
    ...(keystore === null ? {} : { keystore }),
  });
  const { credential } = made;
  if (keys !== null) return await lockWithPrf(session, rpId, credential, keys.lock);
  // Some authenticators give the output only once the passkey is used.
  const later = made.prfEnabled ? await askForPrf(environment, rpId, credential) : null;
  if (later === null) return await fallBack(session, credential);
  await sendCopy(session, credential, later.keystore);
  await lockWithPrf(session, rpId, credential, later.lock);
}

/** Calls a passkey otherwise. What it opens stays as it is, so nobody is asked for anew. */
export async function renamePasskey(session: OpenSession, id: string, text: string): Promise<void> {
  const body = { name: parseName(text) };
  await session.client.send<void>("PATCH", `/passkeys/${id}`, body);
}

/** Removes a passkey at the gateway and here. */
export async function removePasskey(
  environment: Environment,
  session: OpenSession,
  id: string,
): Promise<void> {
  const { locks } = session.store.record;
  const left = locks.filter((lock) => lock.kind !== "prf" || lock.credential !== id);
  const others = (await listPasskeys(session)).filter((passkey) => passkey.id !== id);
  // A share is given out for any passkey of the member, and for none when there is none.
  const opens = left.some((lock) => lock.kind === "prf" || others.length > 0);
  if (session.store.kept && !opens) throw new AccountError("last-lock");
  await confirmOwner(environment, session);
  await session.client.send<void>("DELETE", `/passkeys/${id}`);
  if (left.length === locks.length) return;
  await session.store.write(async (record) => ({
    ...record,
    locks: record.locks.filter((lock) => lock.kind !== "prf" || lock.credential !== id),
  }));
}

/** A suggestion that the person left as it was gets a number where it is taken. */
async function ownName(session: OpenSession, suggested: string): Promise<string> {
  const taken = (await listPasskeys(session)).map(({ name }) => name);
  return numbered(suggested, taken);
}

/** A passkey that was made on another device and is here too. */
async function takePasskey(
  environment: Environment,
  session: OpenSession,
  rpId: string,
): Promise<void> {
  const { options } = await session.client.send<Request>("POST", "/sign-in/passkey/options");
  const answer = await usePasskey(environment, options);
  const passkey = (await listPasskeys(session)).find(({ id }) => id === answer.credential);
  if (passkey === undefined) throw new AccountError("passkey-unknown");
  if (answer.prf === null) return await lockWithShare(session);
  const keys = await prfKeys(answer.prf);
  if (!passkey.opens) await sendCopy(session, passkey.id, keys.keystore);
  await lockWithPrf(session, rpId, passkey.id, keys.lock);
}

async function askForPrf(environment: Environment, rpId: string, credential: string) {
  try {
    const { prf } = await usePasskey(environment, localOptions(rpId, [credential]));
    return prf === null ? null : await prfKeys(prf);
  } catch (error) {
    if (error instanceof AccountError && error.code === "passkey-cancelled") return null;
    throw error;
  }
}

/** A passkey that was to give a PRF output and does not: it is no lock here, and stays only where nothing better is. */
async function fallBack(session: OpenSession, credential: string): Promise<void> {
  try {
    requireShareable(session);
  } catch (error) {
    await session.client.send<void>("DELETE", `/passkeys/${credential}`);
    throw error;
  }
  await lockWithShare(session);
}

/** A lock that the gateway takes part in never comes to stand beside one that needs nobody. */
function requireShareable(session: OpenSession): void {
  if (TEST_BUILD && sabotaged("M-7")) return;
  const { locks } = session.store.record;
  if (locks.some(({ kind }) => kind === "prf")) throw new AccountError("passkey-weaker");
}

async function lockWithPrf(session: OpenSession, rpId: string, credential: string, key: CryptoKey) {
  await session.store.addLock(key, (wrapped) => ({ kind: "prf", credential, rpId, wrapped }));
}

/** Half of the key stays here, half goes to the gateway. */
async function lockWithShare(session: OpenSession): Promise<void> {
  requireShareable(session);
  const half = await newHalf();
  const share: Bytes = crypto.getRandomValues(new Uint8Array(SECRET_LEN));
  const sent = toBase64Url(share);
  const key = await shareKey(share, half, session.store.record);
  await session.client.send<void>("PUT", "/unlock-share", { share: sent });
  await session.store.addLock(key, (wrapped) => ({ kind: "share", half, wrapped }));
}

async function sendCopy(session: OpenSession, credential: string, key: CryptoKey): Promise<void> {
  const keystore = await copyFor(session, key);
  await session.client.send<void>("PUT", `/passkeys/${credential}/keystore`, { keystore });
}

async function copyFor(session: OpenSession, key: CryptoKey): Promise<string> {
  const { sealedKeystore, storeKey } = session.vault;
  return toBase64Url(await relockKeystore(sealedKeystore, storeKey, key));
}
