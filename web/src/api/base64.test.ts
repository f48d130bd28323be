import { expect, test } from "vitest";

import { fromBase64Url, toBase64Url } from "./base64.ts";

test("bytes round trip, long ones too", () => {
  for (const length of [0, 1, 2, 3, 4, 31, 32, 33, 8_191, 8_192, 8_193, 70_000]) {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 7) & 255);
    expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
    expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
  }
});

test("other alphabets and second spellings are refused", () => {
  for (const text of ["+/8A", "AA==", "A", "AAAAA", "AB", "AAB", " AAA", "AAA\n", "é"]) {
    expect(fromBase64Url(text), text).toBeNull();
  }
});
