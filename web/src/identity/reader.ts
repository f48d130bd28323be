// Reader keys: the HPKE keys (RFC 9180, base mode) that epoch secrets are wrapped to. Base mode does not
// authenticate the sender: whatever carries a wrap must be signed, and is checked elsewhere.

import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";

import type { Bytes } from "../domain/bytes.ts";
import { concat } from "../domain/bytes.ts";
import { demand, refuse } from "../domain/errors.ts";
import type { KeyId } from "../domain/id.ts";
import type { Reader, Writer } from "../domain/wire.ts";
import { keyId } from "./key.ts";

/** Suites by the HPKE KEM id; all with HKDF-SHA256 and AES-256-GCM. Lengths in bytes. */
export const SUITES = {
  32: { name: "X25519", publicLength: 32, encLength: 32 },
  25722: { name: "X-Wing", publicLength: 1216, encLength: 1120 },
} as const;
export type SuiteCode = keyof typeof SUITES;

/** Reads a suite code; refuses those that are none. */
export function suiteFrom(code: number, field: string): SuiteCode {
  return code === 0x0020 || code === 0x647a ? code : refuse("unknown", field);
}

/** The public half of a reader key. */
export interface ReaderPublic {
  readonly suite: SuiteCode;
  readonly bytes: Bytes;
  readonly id: KeyId;
}

/** The private half, with its public one. An X-Wing key holds its seed: WebCrypto has no such KEM. */
export interface ReaderKey {
  readonly public: ReaderPublic;
  readonly pair: CryptoKeyPair;
}

/** Checks that `bytes` are a public key of `suite`. */
export async function readerPublic(suite: SuiteCode, bytes: Bytes): Promise<ReaderPublic> {
  demand(bytes.length === SUITES[suite].publicLength, "bad-reader-key", "reader key");
  if (suite === 0x647a) demand(isMlKem768Key(bytes), "bad-reader-key", "reader key");
  const key = { suite, bytes, id: await keyId(suite, bytes) };
  if (suite === 0x0020) await refuseSmallOrder(key);
  return key;
}

/** Every wrap to a point of small order fails (RFC 9180 §7.1.4): one on the roster would stop recording. */
async function refuseSmallOrder(key: ReaderPublic): Promise<void> {
  const empty = new Uint8Array();
  try {
    await wrap(key, empty, empty, empty);
  } catch (cause) {
    refuse("bad-reader-key", "reader key", cause);
  }
}

/** The modulus check of FIPS 203 §7.2: 768 coefficients of twelve bits, each below 3329. */
function isMlKem768Key(bytes: Uint8Array): boolean {
  for (let at = 0; at < 1152; at += 3) {
    const [a, b, c] = [bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0];
    if ((a | ((b & 15) << 8)) >= 3329 || ((b >> 4) | (c << 4)) >= 3329) return false;
  }
  return true;
}

/** Reads `suite u16 ‖ public key`. */
export function decodeReaderPublic(input: Reader): Promise<ReaderPublic> {
  const suite = suiteFrom(input.u16("suite"), "suite");
  return readerPublic(suite, input.fixed("reader key", SUITES[suite].publicLength));
}

/** Writes `suite u16 ‖ public key`. */
export function encodeReaderPublic(out: Writer, key: ReaderPublic): void {
  out.u16(key.suite).fixed(key.bytes);
}

/** The package writes the suite id into the KDF that it is given: one of its own for each suite. */
const hpke = (kem: DhkemX25519HkdfSha256 | XWing) =>
  new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });

const xWing = new XWing();
const HPKE = { 32: hpke(new DhkemX25519HkdfSha256()), 25722: hpke(xWing) } as const;

/** The reader key of 32 secret bytes, which are wiped: the X-Wing seed or the X25519 scalar. */
export async function readerKeyFromSeed(suite: SuiteCode, seed: Bytes): Promise<ReaderKey> {
  const own = seed.slice();
  seed.fill(0);
  const pair = suite === 0x647a ? await xWing.generateKeyPairDerand(own) : await x25519Pair(own);
  const bytes = await HPKE[suite].kem.serializePublicKey(pair.publicKey);
  return { public: await readerPublic(suite, new Uint8Array(bytes).slice()), pair };
}

/** PKCS #8 in front of a 32-byte scalar (RFC 8410 §7). */
const PKCS8_X25519 = Uint8Array.of(48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 110, 4, 34, 4, 32);

/** The base point, RFC 7748 §4.1. The public key is worked out: not every browser exports it. */
const BASE_POINT = Uint8Array.of(9, ...new Uint8Array(31));

async function x25519Pair(scalar: Bytes): Promise<CryptoKeyPair> {
  const pkcs8 = concat(PKCS8_X25519, scalar);
  const { subtle } = crypto;
  try {
    const base = await subtle.importKey("raw", BASE_POINT, "X25519", true, []);
    const privateKey = await subtle.importKey("pkcs8", pkcs8, "X25519", false, ["deriveBits"]);
    const raw = await subtle.deriveBits({ name: "X25519", public: base }, privateKey, 256);
    return { privateKey, publicKey: await subtle.importKey("raw", raw, "X25519", true, []) };
  } finally {
    pkcs8.fill(0);
    scalar.fill(0);
  }
}

/** Opens what was wrapped to `key` under the same `info` and `aad`. */
export async function unwrap(
  key: ReaderKey,
  wrap: { readonly enc: Bytes; readonly ciphertext: Bytes },
  info: Bytes,
  aad: Bytes,
): Promise<Bytes> {
  try {
    const recipient = await HPKE[key.public.suite].createRecipientContext({
      recipientKey: key.pair,
      enc: exact(wrap.enc),
      info: exact(info),
    });
    return new Uint8Array(await recipient.open(exact(wrap.ciphertext), exact(aad)));
  } catch (cause) {
    return refuse("does-not-open", "wrap", cause);
  }
}

/** Wraps `plaintext` to `key`. */
export async function wrap(
  key: ReaderPublic,
  plaintext: Bytes,
  info: Bytes,
  aad: Bytes,
): Promise<{ enc: Bytes; ciphertext: Bytes }> {
  const suite = HPKE[key.suite];
  const recipientPublicKey = await suite.kem.deserializePublicKey(exact(key.bytes));
  const sender = await suite.createSenderContext({ recipientPublicKey, info: exact(info) });
  const ciphertext = await sender.seal(exact(plaintext), exact(aad));
  return { enc: new Uint8Array(sender.enc), ciphertext: new Uint8Array(ciphertext) };
}

/** The HPKE package takes whole buffers: a view's neighbours must not come along. */
function exact(bytes: Bytes): ArrayBuffer {
  return bytes.slice().buffer;
}
