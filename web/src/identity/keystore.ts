// A member's key store: the keys that make a device a member's device, locked for storage with AES-256-GCM
// under a lock (from the recovery key, a passkey's PRF output …). The gateway keeps locked copies and can
// open none. Where a copy is kept is not decided here.

import type { Bytes } from "../domain/bytes.ts";
import { ascii, concat } from "../domain/bytes.ts";
import { refuse } from "../domain/errors.ts";
import type { MemberId, SiteId } from "../domain/id.ts";
import { bytesOf, idOf } from "../domain/id.ts";
import { Reader, Writer } from "../domain/wire.ts";
import type { SigningKey } from "./key.ts";
import { signingKeyFromSeed } from "./key.ts";
import type { ReaderKey, SuiteCode } from "./reader.ts";
import { readerKeyFromSeed, suiteFrom } from "./reader.ts";

/** Reader keys that one store holds at most: weekly rotation over five years. */
export const MAX_READER_KEYS = 260;

const VERSION = 1;
const NONCE_LEN = 12;
const CONTEXT = ascii("bartizan/v1/keystore");

/** What is locked: 32-byte seeds. They exist in clear only while a store is made or changed. */
export interface KeystoreSeeds {
  readonly site: SiteId;
  readonly member: MemberId;
  readonly identity: Bytes;
  /** Newest last. */
  readonly readers: readonly { readonly suite: SuiteCode; readonly seed: Bytes }[];
}

/** An open store: keys to use. */
export interface Keystore {
  readonly site: SiteId;
  readonly member: MemberId;
  readonly identity: SigningKey;
  /** Newest last. */
  readonly readers: readonly ReaderKey[];
}

/** The clear bytes. */
export function encodeKeystore({ site, member, identity, readers }: KeystoreSeeds): Bytes {
  const fits = identity.length === 32 && readers.every(({ seed }) => seed.length === 32);
  if (!fits || readers.length > MAX_READER_KEYS) throw new RangeError("not a key store");
  const out = new Writer().u8(VERSION).fixed(bytesOf(site)).fixed(bytesOf(member)).fixed(identity);
  out.u16(readers.length);
  for (const { suite, seed } of readers) out.u16(suite).fixed(seed);
  return out.bytes();
}

/** Reads the clear bytes. */
export function decodeKeystore(bytes: Bytes): KeystoreSeeds {
  const input = new Reader(bytes);
  input.exactly("key store version", VERSION);
  const site = idOf<SiteId>(input.view("site", 16));
  const member = idOf<MemberId>(input.view("member", 16));
  const identity = input.fixed("identity", 32);
  const length = input.count16("reader keys", MAX_READER_KEYS);
  const readers = Array.from({ length }, () => ({
    suite: suiteFrom(input.u16("suite"), "suite"),
    seed: input.fixed("reader key", 32),
  }));
  input.finish("key store");
  return { site, member, identity, readers };
}

/** Locks a store: `version ‖ nonce ‖ ciphertext ‖ tag`. */
export async function lockKeystore(seeds: KeystoreSeeds, lock: CryptoKey): Promise<Bytes> {
  const clear = encodeKeystore(seeds);
  try {
    return await seal(clear, lock);
  } finally {
    clear.fill(0);
  }
}

/** Opens a locked store; the seeds are wiped once the keys are made. */
export async function unlockKeystore(locked: Bytes, lock: CryptoKey): Promise<Keystore> {
  const clear = await open(locked, lock);
  try {
    const { site, member, identity, readers } = decodeKeystore(clear);
    const keys = readers.map(({ suite, seed }) => readerKeyFromSeed(suite, seed));
    return {
      ...{ site, member, identity: await signingKeyFromSeed(identity) },
      readers: await Promise.all(keys),
    };
  } finally {
    clear.fill(0);
  }
}

/** Locks the same store under another lock as well. */
export async function relockKeystore(
  locked: Bytes,
  from: CryptoKey,
  to: CryptoKey,
): Promise<Bytes> {
  const clear = await open(locked, from);
  try {
    return await seal(clear, to);
  } finally {
    clear.fill(0);
  }
}

async function seal(clear: Bytes, lock: CryptoKey): Promise<Bytes> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_LEN));
  const algorithm = { name: "AES-GCM", iv, additionalData: CONTEXT };
  const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, lock, clear));
  return concat(Uint8Array.of(VERSION), iv, sealed);
}

async function open(locked: Bytes, lock: CryptoKey): Promise<Bytes> {
  const input = new Reader(locked);
  input.exactly("locked version", VERSION);
  const iv = input.view("nonce", NONCE_LEN);
  const algorithm = { name: "AES-GCM", iv, additionalData: CONTEXT };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, lock, input.rest()));
  } catch (cause) {
    return refuse("does-not-open", "key store", cause);
  }
}
