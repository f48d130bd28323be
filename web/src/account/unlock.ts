// From a locked record to its store key: a passkey's PRF output opens it alone, or the gateway's share together
// with this browser's half. Only what a lock screen needs is loaded with it.

import { fromBase64Url } from "../api/base64.ts";
import { isOffline } from "../api/client.ts";
import type { CeremonyOf, UnlockShare } from "../api/documents.ts";
import type { Environment } from "./environment.ts";
import { doorOf } from "./environment.ts";
import { AccountError } from "./errors.ts";
import { openLock, prfKeys, SECRET_LEN, shareKey } from "./locks.ts";
import { sabotaged, TEST_BUILD } from "./sabotage.ts";
import type { AccountRecord, Lock } from "./store.ts";
import type { Answer } from "./webauthn.ts";
import { localOptions, namesMissing, usePasskey } from "./webauthn.ts";

type PrfLock = Extract<Lock, { kind: "prf" }>;
type RequestOptions = PublicKeyCredentialRequestOptionsJSON;

/** The store key of a locked record, by one passkey ceremony. */
export async function unlockRecord(
  environment: Environment,
  record: AccountRecord,
): Promise<CryptoKey> {
  if (TEST_BUILD && sabotaged("M-7") && "spare" in record) return record.spare as CryptoKey;
  const prf = record.locks.filter((lock) => lock.kind === "prf");
  const share = record.locks.find((lock) => lock.kind === "share");
  if (share === undefined) return await unlockAlone(environment, record, prf);
  const door = doorOf(environment, record.deviceKey);
  let begun: CeremonyOf<RequestOptions>;
  try {
    begun = await door.send<CeremonyOf<RequestOptions>>("POST", "/sign-in/passkey/options");
  } catch (error) {
    if (prf.length > 0 && isOffline(error)) return await unlockAlone(environment, record, prf);
    throw namesMissing(error);
  }
  const answer = await usePasskey(environment, begun.options);
  const own = prf.find((lock) => lock.credential === answer.credential);
  if (own !== undefined && answer.prf !== null) return await openByPrf(record, own, answer.prf);
  answer.prf?.fill(0);
  const body = { ceremony: begun.ceremony, credential: answer.json };
  const given = fromBase64Url((await door.send<UnlockShare>("POST", "/unlock-share", body)).share);
  if (given?.length !== SECRET_LEN) throw new AccountError("passkey-opens-nothing");
  return await openLock(share, await shareKey(given, share.half, record), record);
}

async function unlockAlone(
  environment: Environment,
  record: AccountRecord,
  locks: readonly PrfLock[],
): Promise<CryptoKey> {
  const [first] = locks;
  if (first === undefined) throw new AccountError("passkey-opens-nothing");
  const usable = locks.filter((lock) => lock.rpId === first.rpId);
  const ids = usable.map((lock) => lock.credential);
  const answer: Answer = await usePasskey(environment, localOptions(first.rpId, ids));
  const lock = usable.find(({ credential }) => credential === answer.credential);
  if (lock === undefined || answer.prf === null) throw new AccountError("passkey-opens-nothing");
  return await openByPrf(record, lock, answer.prf);
}

async function openByPrf(record: AccountRecord, lock: PrfLock, output: Answer["prf"]) {
  if (output === null) throw new AccountError("passkey-opens-nothing");
  return await openLock(lock, (await prfKeys(output)).lock, record);
}
