// The last way in: the recovery words sign a challenge, and open the key store that was locked with them when the
// household began.

import { fromBase64Url, toBase64Url } from "../api/base64.ts";
import { ApiProblem } from "../api/client.ts";
import type { Challenge, RecoveryAnswer } from "../api/documents.ts";
import { sign } from "../identity/key.ts";
import type { RecoveryKey } from "../identity/recovery.ts";
import { parseWords } from "../identity/recovery.ts";
import type { Welcome } from "./arrival.ts";
import { arrive, checkHousehold } from "./arrival.ts";
import type { Environment } from "./environment.ts";
import { doorOf } from "./environment.ts";
import { AccountError } from "./errors.ts";
import { parseName } from "./name.ts";
import { notThere } from "./sign-in.ts";
import type { Vault } from "./vault.ts";

/** How often a sign-in starts again because the roster has grown meanwhile. */
const MAX_SIGN_INS = 3;

/** Longest challenge in bytes that is signed. */
const MAX_CHALLENGE = 256;

/** What a recovery identity signs at sign-in. */
const CONTEXT = "bartizan/v1/sign-in";

/** By the words, as a new device of the owner. */
export async function signInWithWords(
  environment: Environment,
  text: string,
  deviceName: string,
): Promise<Vault> {
  parseName(deviceName);
  const words = await readWords(text);
  for (let tries = 0; tries < MAX_SIGN_INS; tries += 1) {
    const welcome = await recover(environment, words);
    const proof = { lock: await words.lock(), genesis: null, head: null };
    await requireOwnWords(welcome, words, proof.lock);
    try {
      return await arrive(environment, welcome, proof, deviceName);
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status !== 409) throw error;
    }
  }
  throw new AccountError("busy");
}

async function readWords(text: string): Promise<RecoveryKey> {
  const read = await parseWords(text);
  if (!("kind" in read)) return read;
  switch (read.kind) {
    case "count":
      throw new AccountError("words-count", { words: read.words });
    case "unknown-word":
      throw new AccountError("words-unknown", { place: read.place });
    case "checksum":
      throw new AccountError("words-checksum");
  }
}

async function recover(environment: Environment, words: RecoveryKey): Promise<Welcome> {
  const door = doorOf(environment);
  const asked = await door.send<Challenge>("POST", "/sign-in/challenge").catch(notThere);
  const challenge = fromBase64Url(asked.challenge);
  if (challenge === null || challenge.length === 0 || challenge.length > MAX_CHALLENGE) {
    throw new AccountError("not-me");
  }
  const signature = await sign(await words.identity(), CONTEXT, challenge);
  const body = { challenge: asked.challenge, signature: toBase64Url(signature) };
  const answer = await door.send<RecoveryAnswer>("POST", "/sign-in/recovery", body).catch(wrong);
  const { statements, recoveryKeystore: keystore, grant, deviceNames } = answer;
  return { statements, keystore, grant, deviceNames };
}

/** The roster must name these very words as its recovery key. */
async function requireOwnWords(welcome: Welcome, words: RecoveryKey, lock: CryptoKey) {
  const { history } = await checkHousehold(welcome, { lock, genesis: null, head: null });
  const { id } = (await words.identity()).public;
  if (history.current.recovery.identity.id !== id) throw new AccountError("other-words");
}

function wrong(error: unknown): never {
  const refused = error instanceof ApiProblem && error.status === 401;
  throw refused ? new AccountError("other-words", { cause: error }) : error;
}
