// How badly a QR code reads (ISO/IEC 18004:2015 §7.8.3), to choose its mask by.

import type { QrMatrix } from "./qr.ts";

/** §7.8.3: how badly a code reads. Lower is better; any mask is a valid code. */
export function penaltyOf(code: QrMatrix): number {
  const columns = code.map((_, column) => code.map((line) => line[column] ?? false));
  const lines = [...code, ...columns];
  const ofLines = lines.reduce((sum, line) => sum + runs(line) + finders(line), 0);
  const dark = code.flat().filter(Boolean).length;
  const total = code.length ** 2;
  const uneven = Math.max(0, Math.ceil(Math.abs(dark * 20 - total * 10) / total) - 1);
  return ofLines + squares(code) * 3 + uneven * 10;
}

/** Five or more modules alike in a row. */
function runs(line: readonly boolean[]): number {
  let [sum, length] = [0, 0];
  for (const [at, dark] of line.entries()) {
    length = at > 0 && line[at - 1] === dark ? length + 1 : 1;
    if (length === 5) sum += 3;
    else if (length > 5) sum += 1;
  }
  return sum;
}

/** What looks like the corner patterns. */
function finders(line: readonly boolean[]): number {
  const text = line.map((dark) => (dark ? "1" : "0")).join("");
  let sum = 0;
  for (let at = 0; at + 11 <= text.length; at += 1) {
    const part = text.slice(at, at + 11);
    if (part === "10111010000" || part === "00001011101") sum += 40;
  }
  return sum;
}

/** Squares of two by two modules alike. */
function squares(code: QrMatrix): number {
  let sum = 0;
  for (let row = 1; row < code.length; row += 1) {
    for (let column = 1; column < code.length; column += 1) {
      const dark = code[row]?.[column];
      const above = code[row - 1];
      const left = code[row]?.[column - 1] === dark;
      if (left && above?.[column] === dark && above?.[column - 1] === dark) sum += 1;
    }
  }
  return sum;
}
