// Signing keys (Ed25519, RFC 8032, always with a context in front of what is signed) and key ids.
// Private keys are CryptoKeys that JavaScript cannot read.

import type { Bytes } from "../domain/bytes.ts";
import { ascii, concat, sha256 } from "../domain/bytes.ts";
import type { Fingerprint, KeyId } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";

/** Ed25519 in key ids: its TLS signature scheme (RFC 8446 §4.2.3). */
export const ED25519 = 0x0807;

/** Bytes of an Ed25519 signature. */
export const SIGNATURE_LEN = 64;

/** PKCS #8 in front of a 32-byte seed (RFC 8410 §7). */
const PKCS8_ED25519 = Uint8Array.of(48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32);

/** The id of a public key: the first 16 bytes of a hash over a label, the algorithm and the key. */
export async function keyId(algorithm: number, publicKey: Uint8Array): Promise<KeyId> {
  const code = Uint8Array.of(algorithm >> 8, algorithm & 0xff);
  const hash = await sha256(ascii("bartizan/v1/key"), code, publicKey);
  return idOf<KeyId>(hash.subarray(0, 16));
}

/** What a link or a person carries to recognise a signing key. */
export async function fingerprint(publicKey: Uint8Array): Promise<Fingerprint> {
  return idOf<Fingerprint>(await sha256(ascii("bartizan/v1/fingerprint"), publicKey));
}

/** A public signing key. */
export interface VerifyingKey {
  readonly bytes: Bytes;
  readonly id: KeyId;
}

/** Takes the 32 bytes of RFC 8032 §5.1.5; a point that is none verifies nothing. */
export async function verifyingKey(bytes: Bytes): Promise<VerifyingKey> {
  return { bytes, id: await keyId(ED25519, bytes) };
}

/** Checks a signature over `context ‖ message`. */
export async function verify(
  publicKey: VerifyingKey,
  context: string,
  message: Uint8Array,
  signature: Bytes,
): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey("raw", publicKey.bytes, "Ed25519", false, ["verify"]);
    const signed = concat(ascii(context), message);
    return await crypto.subtle.verify("Ed25519", key, signature, signed);
  } catch {
    return false;
  }
}

/** A private signing key and its public half. */
export interface SigningKey {
  readonly privateKey: CryptoKey;
  readonly public: VerifyingKey;
}

/** Signs `context ‖ message`. */
export async function sign(key: SigningKey, context: string, message: Uint8Array): Promise<Bytes> {
  const signed = concat(ascii(context), message);
  return new Uint8Array(await crypto.subtle.sign("Ed25519", key.privateKey, signed));
}

/** The key of 32 secret bytes (RFC 8032 §5.1.5), which are wiped. */
export async function signingKeyFromSeed(seed: Bytes): Promise<SigningKey> {
  const pkcs8 = concat(PKCS8_ED25519, seed);
  try {
    // WebCrypto gives the public half only of a readable key: read it once, keep the unreadable one.
    const readable = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
    const { x } = await crypto.subtle.exportKey("jwk", readable);
    const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
    return { privateKey, public: await verifyingKey(fromBase64Url(x ?? "")) };
  } finally {
    pkcs8.fill(0);
    seed.fill(0);
  }
}

/** Bytes of unpadded base64url (RFC 4648 §5), as in JSON Web Keys. */
function fromBase64Url(text: string): Bytes {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
