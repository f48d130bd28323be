// The recovery key: words, mistakes, and what is derived.

import { expect, test } from "vitest";

import { ascii, sha256 } from "../domain/bytes.ts";
import { parseWords, recoveryKey, WORD_COUNT, wordsOf } from "./recovery.ts";
import { WORDS } from "./words.ts";

/** BIP 39 test vector of 32 bytes 0x7f. */
const VECTOR =
  "legal winner thank year wave sausage worth useful legal winner thank year " +
  "wave sausage worth useful legal winner thank year wave sausage worth title";

const bytes = (byte: number) => new Uint8Array(32).fill(byte);

async function parsed(text: string) {
  const key = await parseWords(text);
  if ("kind" in key) throw new Error(key.kind);
  return key;
}

test("the word list is BIP 39's", async () => {
  expect(WORDS).toHaveLength(2_048);
  const digest = Buffer.from(await sha256(ascii(`${WORDS.join("\n")}\n`))).toString("hex");
  expect(digest).toBe("2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
});

test("words round trip", async () => {
  expect((await wordsOf(bytes(0x7f))).join(" ")).toBe(VECTOR);
  const again = await parsed(`  ${VECTOR.toUpperCase().replaceAll(" ", "\n\t ")}\n`);
  const key = await recoveryKey(bytes(0x7f));
  expect((await again.identity()).public).toEqual((await key.identity()).public);
  expect((await again.reader()).public).toEqual((await key.reader()).public);
  for (let round = 0; round < 50; round += 1) {
    const entropy = crypto.getRandomValues(new Uint8Array(32));
    const words = await wordsOf(entropy);
    expect(words).toHaveLength(WORD_COUNT);
    const identity = await (await recoveryKey(entropy)).identity();
    expect((await (await parsed(words.join(" "))).identity()).public).toEqual(identity.public);
  }
});

test("mistakes are told apart", async () => {
  expect(await parseWords("")).toEqual({ kind: "count", words: 0 });
  expect(await parseWords("legal winner")).toEqual({ kind: "count", words: 2 });
  const misspelt = VECTOR.replace("thank", "thnak");
  expect(await parseWords(misspelt)).toEqual({ kind: "unknown-word", place: 3 });
  const swapped = VECTOR.replace("legal winner", "winner legal");
  expect(await parseWords(swapped)).toEqual({ kind: "checksum" });
});

test("derived keys differ and can't be read", async () => {
  const key = await recoveryKey(bytes(1));
  const [identity, reader, lock] = [await key.identity(), await key.reader(), await key.lock()];
  expect(identity.public.id).not.toBe(reader.public.id);
  expect([identity.privateKey.extractable, lock.extractable]).toEqual([false, false]);
});
