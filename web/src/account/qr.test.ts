// The expected codes are those of another implementation (the Python package segno 1.6.6).

import { expect, test } from "vitest";

import { ascii, sha256 } from "../domain/bytes.ts";
import type { QrMatrix } from "./qr.ts";
import { MAX_QR_BYTES, qrCode } from "./qr.ts";

const TEXT =
  "https://bartizan.local:8440/join#i=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE&g=mfrggzdfmztwq2lknnwg23tpobyxe43uov3ho6dzpiydcmrtgq2tkobrgm2q";

/** Version, mask, length of the text, and the beginning of the SHA-256 over the rows. */
const CODES: readonly (readonly [number, number, number, string])[] = [
  [1, 1, 14, "84365f0d4e355785"],
  [2, 2, 26, "b9fb38f068d5bac2"],
  [3, 3, 42, "2cf89be88ef1cbf7"],
  [4, 4, 62, "4df321b806acf48e"],
  [5, 5, 84, "0f560498cf06eeda"],
  [6, 6, 106, "2fc7c1d52086cff0"],
  [7, 0, 122, "71ed213ee3b2fcd5"],
  [7, 1, 122, "eb73b12ea356ac95"],
  [7, 2, 122, "2f690558281da313"],
  [7, 3, 122, "874e462ef0207a4e"],
  [7, 4, 122, "09ba9c1598657c77"],
  [7, 5, 122, "6a4b10bae9cfd647"],
  [7, 6, 122, "922626d9ffa4585e"],
  [7, 7, 122, "b0f91d626a370117"],
  [8, 0, 152, "2dbacdfb787911d8"],
  [9, 1, 180, "f43a00382f90ed84"],
  [10, 2, 213, "857425e49331bc0a"],
  [11, 3, 251, "9b4b47939283fa42"],
  [12, 4, 287, "be1a6ddd50d9a801"],
];

const FIRST = [
  "111111101010101111111",
  "100000100000001000001",
  "101110101101101011101",
  "101110100011001011101",
  "101110100111101011101",
  "100000101000001000001",
  "111111101010101111111",
  "000000000000100000000",
  "101000110101000100101",
  "110010001111111011011",
  "011101101100100111101",
  "010101000011010111000",
  "111001110001010000010",
  "000000001000100011001",
  "111111101100110111101",
  "100000100100010011001",
  "101110100100110100000",
  "101110100011100110000",
  "101110101000101111111",
  "100000100100110111000",
  "111111101001100110001",
];

const rowsOf = (code: QrMatrix) =>
  code.map((line) => line.map((dark) => (dark ? "1" : "0")).join(""));

test("a whole code is the one that another implementation makes", () => {
  expect(rowsOf(qrCode(TEXT.slice(0, 14), 1))).toEqual(FIRST);
});

test("every version and mask is as another implementation makes it", async () => {
  for (const [version, mask, length, expected] of CODES) {
    const code = qrCode(TEXT.repeat(4).slice(0, length), mask);
    expect(code).toHaveLength(17 + version * 4);
    const hash = Buffer.from(await sha256(ascii(rowsOf(code).join("\n")))).toString("hex");
    expect(hash.slice(0, 16), `version ${version}, mask ${mask}`).toBe(expected);
  }
});

test("the mask that reads best is taken, and too long a text is refused", () => {
  const codes = [0, 1, 2, 3, 4, 5, 6, 7].map((mask) => rowsOf(qrCode(TEXT, mask)));
  expect(codes).toContainEqual(rowsOf(qrCode(TEXT)));
  expect(qrCode("x".repeat(MAX_QR_BYTES))).toHaveLength(65);
  expect(() => qrCode("x".repeat(MAX_QR_BYTES + 1))).toThrow(RangeError);
});
