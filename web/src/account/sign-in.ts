// Ways in for a new device of a member: a passkey that brings the keys along, and another device's invitation. The
// recovery words are in `sign-in-words.ts`, so that their list is loaded only with them.

import { toBase64Url } from "../api/base64.ts";
import { ApiProblem } from "../api/client.ts";
import type { CeremonyOf, MemberAnswer } from "../api/documents.ts";
import { ascii, sha256 } from "../domain/bytes.ts";
import { arrive } from "./arrival.ts";
import type { Environment } from "./environment.ts";
import { doorOf } from "./environment.ts";
import { AccountError } from "./errors.ts";
import { parseInvitationLink, requireOwn } from "./link.ts";
import { invitationKey, prfKeys } from "./locks.ts";
import { parseName } from "./name.ts";
import type { Vault } from "./vault.ts";
import { namesMissing, usePasskey } from "./webauthn.ts";

type RequestOptions = PublicKeyCredentialRequestOptionsJSON;

/** By a passkey whose PRF output opens the gateway's copy of the key store; it becomes a lock here at once. */
export async function signInWithPasskey(
  environment: Environment,
  deviceName: string,
): Promise<Vault> {
  parseName(deviceName);
  const door = doorOf(environment);
  const begun = await door
    .send<CeremonyOf<RequestOptions>>("POST", "/sign-in/passkey/options")
    .catch(notThere);
  const answer = await usePasskey(environment, begun.options);
  const body = { ceremony: begun.ceremony, credential: answer.json };
  const welcome = await door.send<MemberAnswer>("POST", "/sign-in/passkey", body).catch(unknown);
  const { keystore } = welcome;
  if (keystore === undefined || answer.prf === null) {
    throw new AccountError("passkey-brings-no-keys");
  }
  const keys = await prfKeys(answer.prf);
  const proof = { lock: keys.keystore, genesis: null, head: null };
  const vault = await arrive(environment, { ...welcome, keystore }, proof, deviceName).catch(busy);
  const rpId = new URL(environment.origin).hostname;
  const { credential } = answer;
  await vault.addLock(keys.lock, (wrapped) => ({ kind: "prf", credential, rpId, wrapped }));
  return vault;
}

/** By an invitation of a device that is signed in. */
export async function join(
  environment: Environment,
  text: string,
  deviceName: string,
): Promise<Vault> {
  parseName(deviceName);
  const link = parseInvitationLink(text);
  requireOwn(link, environment.origin);
  const id = await sha256(ascii("bartizan/v1/invitation-id"), link.secret);
  const lock = await invitationKey(link.secret);
  const body = { id: toBase64Url(id) };
  const door = doorOf(environment);
  const welcome = await door.send<MemberAnswer>("POST", "/sign-in/invitation", body).catch(over);
  const { keystore } = welcome;
  if (keystore === undefined) throw new AccountError("invitation-over");
  const proof = { lock, genesis: link.genesis, head: link.head };
  return await arrive(environment, { ...welcome, keystore }, proof, deviceName).catch(busy);
}

/** Doors of the other state than the gateway's are not there. */
export function notThere(error: unknown): never {
  const absent = error instanceof ApiProblem && error.status === 404;
  throw absent ? new AccountError("not-claimed", { cause: error }) : namesMissing(error);
}

function unknown(error: unknown): never {
  const refused = error instanceof ApiProblem && (error.status === 401 || error.status === 404);
  throw refused ? new AccountError("passkey-unknown", { cause: error }) : error;
}

function over(error: unknown): never {
  const refused = error instanceof ApiProblem && (error.status === 401 || error.status === 404);
  throw refused ? new AccountError("invitation-over", { cause: error }) : error;
}

/** The roster has grown between the two halves. */
export function busy(error: unknown): never {
  const overtaken = error instanceof ApiProblem && error.status === 409;
  throw overtaken ? new AccountError("busy", { cause: error }) : error;
}
