// The keys that lock things here, and AES-256-GCM under them with a purpose that is authenticated. Only
// WebCrypto: the lock screen needs no more than this.

import type { Bytes } from "../domain/bytes.ts";
import { ascii, concat, sha256 } from "../domain/bytes.ts";
import { expand, expandKey } from "../domain/hkdf.ts";
import { bytesOf } from "../domain/id.ts";
import { AccountError } from "./errors.ts";
import { sabotaged, TEST_BUILD } from "./sabotage.ts";
import type { AccountRecord, Lock } from "./store.ts";

/** Bytes of a store key, of a PRF output (WebAuthn Level 3 §10.1.4) and of the gateway's share. */
export const SECRET_LEN = 32;

const VERSION = 1;
const NONCE_LEN = 12;

/** Of whom a sealed thing is: one cannot stand in the place of another's. */
export type Owner = Pick<AccountRecord, "site" | "member" | "device">;

/** What a sealed thing is for. */
export type Purpose = "store-key" | "token" | "roster" | "seen" | "lock/prf" | "lock/share";

/** What the passkey's PRF is evaluated over. */
export function prfSalt(): Promise<Bytes> {
  return sha256(ascii("bartizan/v1/keystore-lock"));
}

/** The two keys of a PRF output, which is wiped: for this browser's store, and for the gateway's copy. */
export async function prfKeys(output: Bytes): Promise<{ lock: CryptoKey; keystore: CryptoKey }> {
  const secret = await expandKey(output);
  const derive = async (label: string) => aesKey(await expand(secret, ascii(label), SECRET_LEN));
  return {
    lock: await derive("bartizan/v1/passkey-lock"),
    keystore: await derive("bartizan/v1/passkey-keystore"),
  };
}

/** The key of an invitation's secret. */
export async function invitationKey(secret: Bytes): Promise<CryptoKey> {
  const expander = await expandKey(secret.slice());
  return await aesKey(await expand(expander, ascii("bartizan/v1/invitation-lock"), SECRET_LEN));
}

/** This browser's half of a `share` lock. */
export async function newHalf(): Promise<CryptoKey> {
  const hmac = { name: "HMAC", hash: "SHA-256", length: 256 };
  return await crypto.subtle.generateKey(hmac, false, ["sign"]);
}

/** The key of both halves: the gateway's share, which is wiped, and the browser's own. */
export async function shareKey(share: Bytes, half: CryptoKey, owner: Owner): Promise<CryptoKey> {
  const { subtle } = crypto;
  try {
    const label = concat(
      ascii("bartizan/v1/share-half"),
      bytesOf(owner.site),
      bytesOf(owner.device),
    );
    const salt = await subtle.sign("HMAC", half, label);
    const secret = await subtle.importKey("raw", share, "HKDF", false, ["deriveKey"]);
    const info = ascii("bartizan/v1/share-lock");
    const hkdf = { name: "HKDF", hash: "SHA-256", salt, info };
    const aes = { name: "AES-GCM", length: 256 };
    return await subtle.deriveKey(hkdf, secret, aes, false, ["encrypt", "decrypt"]);
  } finally {
    share.fill(0);
  }
}

/** The AES-256-GCM key of 32 bytes, which are wiped. */
export async function aesKey(raw: Bytes): Promise<CryptoKey> {
  try {
    const usages: KeyUsage[] = ["encrypt", "decrypt"];
    return await crypto.subtle.importKey("raw", raw, "AES-GCM", false, usages);
  } finally {
    raw.fill(0);
  }
}

/** `version ‖ nonce ‖ ciphertext ‖ tag`, bound to its purpose and owner. */
export async function seal(
  key: CryptoKey,
  purpose: Purpose,
  owner: Owner,
  clear: Bytes,
): Promise<Bytes> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_LEN));
  const algorithm = { name: "AES-GCM", iv, additionalData: boundTo(purpose, owner) };
  if (TEST_BUILD && sabotaged("M-6")) return concat(Uint8Array.of(VERSION), iv, clear);
  const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, clear));
  return concat(Uint8Array.of(VERSION), iv, sealed);
}

/** Opens what `seal` made; anything else is `store-damaged`. */
export async function open(
  key: CryptoKey,
  purpose: Purpose,
  owner: Owner,
  sealed: Bytes,
): Promise<Bytes> {
  const iv = sealed.slice(1, 1 + NONCE_LEN);
  const algorithm = { name: "AES-GCM", iv, additionalData: boundTo(purpose, owner) };
  try {
    if (sealed[0] !== VERSION) throw new RangeError("another version");
    const rest = sealed.slice(1 + NONCE_LEN);
    if (TEST_BUILD && sabotaged("M-6")) return rest;
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, rest));
  } catch (cause) {
    throw new AccountError("store-damaged", { cause });
  }
}

function boundTo(purpose: Purpose, { site, member, device }: Owner): Bytes {
  const label = ascii(`bartizan/v1/account/${purpose}\0`);
  return concat(label, bytesOf(site), bytesOf(member), bytesOf(device));
}

/** The store key out of a lock. */
export async function openLock(lock: Lock, key: CryptoKey, owner: Owner): Promise<CryptoKey> {
  return await aesKey(await open(key, `lock/${lock.kind}`, owner, lock.wrapped));
}
