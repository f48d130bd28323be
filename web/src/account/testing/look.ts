// For tests: what somebody finds who reads a browser's store while the app is locked. They see all bytes and texts of
// the record, use every key in it for what it can do, and try 32 bytes of it after the other as a key.

import { fromBase64Url } from "../../api/base64.ts";
import type { Bytes } from "../../domain/bytes.ts";
import { ascii } from "../../domain/bytes.ts";
import { aesKey, open, prfKeys, SECRET_LEN } from "../locks.ts";
import type { AccountRecord } from "../store.ts";

/** What must not be found. */
export interface Secrets {
  readonly token: Bytes;
  readonly statement: Bytes;
  readonly identity: Bytes;
  readonly reader: Bytes;
}

/** All bytes, texts and keys in a value, however deep. */
interface Contents {
  readonly bytes: Bytes[];
  readonly keys: CryptoKey[];
}

function contentsOf(value: unknown, into: Contents = { bytes: [], keys: [] }): Contents {
  if (value instanceof Uint8Array) into.bytes.push(value as Bytes);
  else if (value instanceof CryptoKey) into.keys.push(value);
  else if (typeof value === "string")
    into.bytes.push(ascii(value), fromBase64Url(value) ?? ascii(""));
  else if (typeof value === "object" && value !== null) {
    for (const part of Object.values(value)) contentsOf(part, into);
  }
  return into;
}

/** What is wrong with a record: secrets in clear, keys that open something, keys that can be carried away. */
export function findings(record: AccountRecord, secrets: Secrets): string[] {
  const { bytes, keys } = contentsOf(record);
  const found: string[] = [];
  const all = Buffer.concat(bytes);
  for (const [name, secret] of Object.entries(secrets)) {
    if (all.includes(Buffer.from(secret))) found.push(`${name} in clear`);
  }
  for (const key of keys) {
    if (key.type !== "public" && key.extractable) found.push("a key that can be carried away");
    const uses = key.usages.filter((usage) => usage !== "sign" && usage !== "verify");
    if (uses.length > 0) found.push(`a key for ${uses.join()}`);
  }
  return found;
}

/** Fields above this many bytes are tried at every 16th place only: it takes long enough. */
const LONG = 512;

/** How many places in a record hold 32 bytes that open it. */
export async function openings(record: AccountRecord): Promise<number> {
  let count = 0;
  for (const part of contentsOf(record).bytes) {
    const step = part.length > LONG ? 16 : 1;
    for (let at = 0; at + SECRET_LEN <= part.length; at += step) {
      if (await opens(record, part.slice(at, at + SECRET_LEN))) count += 1;
    }
  }
  return count;
}

/** Whether 32 bytes are the store key, or the PRF output behind a lock. */
async function opens(record: AccountRecord, secret: Bytes): Promise<boolean> {
  const storeKey = await aesKey(secret.slice());
  if (await isKey(storeKey, record)) return true;
  const { lock } = await prfKeys(secret);
  const tries = record.locks.map(({ kind, wrapped }) =>
    open(lock, `lock/${kind}`, record, wrapped).then(
      () => true,
      () => false,
    ),
  );
  return (await Promise.all(tries)).includes(true);
}

async function isKey(key: CryptoKey, record: AccountRecord): Promise<boolean> {
  return await open(key, "token", record, record.sealedToken).then(
    () => true,
    () => false,
  );
}
