// HKDF-Expand with SHA-256 (RFC 5869 §2.3) under a key that JavaScript cannot read. WebCrypto's own
// HKDF always extracts first, which the format does not do: its secrets are uniform already.

import type { Bytes } from "./bytes.ts";
import { concat } from "./bytes.ts";

const HASH_LEN = 32;

/** A secret that only expands: a non-extractable HMAC key. */
export type ExpandKey = CryptoKey;

/** Takes 32 (or more) uniform bytes and wipes them. */
export async function expandKey(secret: Bytes): Promise<ExpandKey> {
  const hmac = { name: "HMAC", hash: "SHA-256" };
  try {
    return await crypto.subtle.importKey("raw", secret, hmac, false, ["sign"]);
  } finally {
    secret.fill(0);
  }
}

/** The first `length` bytes of the expansion of `key` by `info`; at most 255 blocks of 32 bytes. */
export async function expand(key: ExpandKey, info: Bytes, length: number): Promise<Bytes> {
  if (length > 255 * HASH_LEN) throw new RangeError("HKDF-Expand gives at most 8,160 bytes");
  const out = new Uint8Array(length);
  let block: Bytes = new Uint8Array(0);
  for (let at = 0, counter = 1; at < length; at += HASH_LEN, counter += 1) {
    const input = concat(block, info, Uint8Array.of(counter));
    block = new Uint8Array(await crypto.subtle.sign("HMAC", key, input));
    out.set(block.subarray(0, length - at), at);
  }
  return out;
}
