// What saved files are called.

import { expect, test } from "vitest";
import { fileName } from "./save.ts";

const AT = new Date(2_026, 10, 22, 14, 3, 7).getTime();
const nameOf = (camera: string) => fileName(camera, AT).replace(" 2026-11-22 14.03.07", "");

test("a file's name says what and when", () => {
  expect(fileName("Front door", AT)).toBe("Front door 2026-11-22 14.03.07");
  expect(nameOf("  ")).toBe("Camera");
});

test("it holds nothing that a file system refuses, hides or shows as something else", () => {
  expect(nameOf('a/b\\c:"d"*?<e>|\n')).toBe("a-b-c--d----e---");
  expect(nameOf("..a/b\u0000:c. ")).toBe("a-b--c.");
  expect(nameOf("door\u202e4pm.exe\u200b\ufeff")).toBe("door4pm.exe");
  expect(nameOf("x".repeat(300))).toHaveLength(100);
});
