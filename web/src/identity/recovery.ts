// The recovery key: 24 words (BIP 39, English) that are the household's last way in. From their 32 random
// bytes come a signing identity and a reader key, both on the roster from its first statement, and the
// key that locks a copy of the owner's key store.

import type { Bytes } from "../domain/bytes.ts";
import { ascii, sha256 } from "../domain/bytes.ts";
import type { ExpandKey } from "../domain/hkdf.ts";
import { expand, expandKey } from "../domain/hkdf.ts";
import type { SigningKey } from "./key.ts";
import { signingKeyFromSeed } from "./key.ts";
import type { ReaderKey } from "./reader.ts";
import { readerKeyFromSeed } from "./reader.ts";
import { WORDS } from "./words.ts";

/** Words of a recovery key. */
export const WORD_COUNT = 24;

/** Bits that one word stands for. */
const WORD_BITS = 11;

/** Why a text is not a recovery key. A word is named by its place (from 1), never by its text. */
export type WordsProblem =
  | { readonly kind: "count"; readonly words: number }
  | { readonly kind: "unknown-word"; readonly place: number }
  | { readonly kind: "checksum" };

/** What the words give. The 32 bytes themselves can't be read. */
export interface RecoveryKey {
  /** Signs roster statements when no device is left. */
  identity(): Promise<SigningKey>;
  /** Opens epochs. */
  reader(): Promise<ReaderKey>;
  /** Locks a copy of the owner's key store: a non-extractable AES-256-GCM key. */
  lock(): Promise<CryptoKey>;
}

/** The recovery key of 32 secret random bytes, which are wiped. */
export async function recoveryKey(entropy: Bytes): Promise<RecoveryKey> {
  if (entropy.length !== 32) throw new RangeError("a recovery key has 32 bytes");
  const secret = await expandKey(entropy);
  return {
    identity: async () => signingKeyFromSeed(await derive(secret, "identity")),
    reader: async () => readerKeyFromSeed(0x647a, await derive(secret, "reader")),
    lock: async () => lockFrom(await derive(secret, "lock")),
  };
}

function derive(secret: ExpandKey, label: "identity" | "reader" | "lock"): Promise<Bytes> {
  return expand(secret, ascii(`bartizan/v1/recovery/${label}`), 32);
}

/** A key store's lock of 32 secret bytes, which are wiped. */
export async function lockFrom(raw: Bytes): Promise<CryptoKey> {
  try {
    const usages: KeyUsage[] = ["encrypt", "decrypt"];
    return await crypto.subtle.importKey("raw", raw, "AES-GCM", false, usages);
  } finally {
    raw.fill(0);
  }
}

/** The 24 words of 32 secret random bytes, to be written down; the bytes are left as they are. */
export async function wordsOf(entropy: Bytes): Promise<string[]> {
  const [checksum] = await sha256(entropy);
  const out: string[] = [];
  let [held, bits] = [0, 0];
  for (const byte of [...entropy, checksum ?? 0]) {
    held = (held << 8) | byte;
    bits += 8;
    if (bits < WORD_BITS) continue;
    bits -= WORD_BITS;
    out.push(WORDS[held >> bits] ?? "");
    held &= (1 << bits) - 1;
  }
  return out;
}

/** Reads the words, in any case and with any white space between. */
export async function parseWords(text: string): Promise<RecoveryKey | WordsProblem> {
  const words = text.trim().toLowerCase().split(/\s+/u).filter(Boolean);
  if (words.length !== WORD_COUNT) return { kind: "count", words: words.length };
  const values = words.map((word) => WORDS.indexOf(word));
  const unknown = values.indexOf(-1);
  if (unknown >= 0) return { kind: "unknown-word", place: unknown + 1 };
  const bytes = join(values);
  const entropy = bytes.slice(0, 32);
  const [checksum] = await sha256(entropy);
  if (checksum !== bytes[32]) return { kind: "checksum" };
  return await recoveryKey(entropy);
}

/** 24 values of eleven bits are 33 bytes. */
function join(values: readonly number[]): Bytes {
  const out: number[] = [];
  let [held, bits] = [0, 0];
  for (const value of values) {
    held = (held << WORD_BITS) | value;
    for (bits += WORD_BITS; bits >= 8; ) {
      bits -= 8;
      out.push(held >> bits);
      held &= (1 << bits) - 1;
    }
  }
  return Uint8Array.from(out);
}
