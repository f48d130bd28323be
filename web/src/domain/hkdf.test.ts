// HKDF-Expand against the vectors of RFC 5869.

import { expect, test } from "vitest";

import type { Bytes } from "./bytes.ts";
import { expand, expandKey } from "./hkdf.ts";

const unhex = (text: string): Bytes => new Uint8Array(Buffer.from(text, "hex"));

test("RFC 5869 A.1 and A.2 hold", async () => {
  const one = unhex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
  const short = await expand(await expandKey(one), unhex("f0f1f2f3f4f5f6f7f8f9"), 42);
  expect(Buffer.from(short).toString("hex")).toBe(
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  );
  const two = unhex("06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244");
  const info = Uint8Array.from({ length: 80 }, (_, at) => 0xb0 + at);
  const long = await expand(await expandKey(two), info, 82);
  expect(Buffer.from(long).toString("hex")).toBe(
    "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
  );
});

test("the secret is wiped and the key can't be read", async () => {
  const secret = new Uint8Array(32).fill(7);
  const key = await expandKey(secret);
  expect(secret.every((byte) => byte === 0)).toBe(true);
  expect(key.extractable).toBe(false);
  await expect(crypto.subtle.exportKey("raw", key)).rejects.toThrow();
});

test("more than 255 blocks are not given", async () => {
  const key = await expandKey(new Uint8Array(32));
  await expect(expand(key, new Uint8Array(0), 255 * 32 + 1)).rejects.toThrow(RangeError);
});
