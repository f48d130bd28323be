// Which hosts can have passkeys, and where a nameless page of this machine has a name.

import { expect, test } from "vitest";
import { isAddress, underName } from "./link.ts";

test.each([
  ["192.168.1.4", true],
  ["[fe80::1]", true],
  ["localhost", false],
  ["home.local", false],
  ["1.2.3.4.example", false],
])("%s: an address? %s", (host, is) => {
  expect(isAddress(host)).toBe(is);
});

test("the same link under localhost, with its secret", () => {
  expect(underName("http://127.0.0.1:8440/claim#t=x&g=y")).toBe(
    "http://localhost:8440/claim#t=x&g=y",
  );
  expect(underName("https://192.168.1.4/claim#t=x")).toBeNull();
});
