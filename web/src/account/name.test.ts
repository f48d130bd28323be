import { expect, test } from "vitest";

import { MAX_NAME_CHARS } from "../domain/name.ts";
import { numbered, parseName } from "./name.ts";

test("a taken name gets the first free number", () => {
  const taken = ["Chrome, Linux", "Chrome, Linux 2", "Chrome, Linux 4", "Phone"];
  expect(numbered("Chrome, Linux", taken)).toBe("Chrome, Linux 3");
  expect(numbered("Phone", taken)).toBe("Phone 2");
  expect(numbered("Chrome, Linux 4", taken)).toBe("Chrome, Linux 4 2");
  expect(numbered("Firefox, Mac", taken)).toBe("Firefox, Mac");
  expect(numbered("Chrome, Linux", [])).toBe("Chrome, Linux");
});

test("a name of full length gives way to its number", () => {
  const long = "\u{1f512}".repeat(MAX_NAME_CHARS);
  const taken = [long];
  for (let number = 2; number < 12; number += 1) {
    const next = numbered(long, taken);
    expect(next.endsWith(` ${number}`)).toBe(true);
    expect(parseName(next)).toBe(next);
    taken.push(next);
  }
});
