// Ids: one text for each value.

import { expect, test } from "vitest";

import { ascii } from "./bytes.ts";
import type { CameraId, Hash } from "./id.ts";
import { bytesOf, idOf, parseId } from "./id.ts";

test("the text form is RFC 4648 base32, lower case, unpadded", () => {
  expect(idOf(ascii("foobar"))).toBe("mzxw6ytboi");
  expect(idOf<CameraId>(ascii("0123456789abcdef"))).toHaveLength(26);
});

test("text forms round trip", () => {
  for (const length of [16, 32] as const) {
    for (let round = 0; round < 200; round += 1) {
      const bytes = crypto.getRandomValues(new Uint8Array(length));
      const id = idOf<Hash>(bytes);
      expect(bytesOf(id)).toEqual(bytes);
      expect(parseId<Hash>(id, length)).toBe(id);
    }
  }
});

test("foreign text is refused", () => {
  const last = `${"a".repeat(25)}b`; // bits that no byte holds
  for (const text of [
    "",
    "short",
    "../../../../etc/passwd0000",
    "a".repeat(27),
    "A".repeat(26),
    last,
  ]) {
    expect(() => parseId(text, 16)).toThrow(/unknown/);
  }
});
