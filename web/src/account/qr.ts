// QR codes (ISO/IEC 18004:2015) for invitation links: byte mode, error correction level M, versions 1 to 12. It
// gives the modules; drawing them, with four light ones around, is the view's work.

import { penaltyOf } from "./qr-penalty.ts";
import { qrWords } from "./qr-words.ts";

/** Longest text in UTF-8 bytes: what version 12 holds at level M. */
export const MAX_QR_BYTES = 287;

/** Centres of alignment patterns, from version 2 (Annex E). */
const ALIGNMENT: readonly (readonly number[])[] = [
  ...[[], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34]],
  ...[
    [6, 22, 38],
    [6, 24, 42],
    [6, 26, 46],
    [6, 28, 50],
    [6, 30, 54],
    [6, 32, 58],
  ],
];

/** Table 10. */
const MASKS: readonly ((row: number, column: number) => boolean)[] = [
  (i, j) => (i + j) % 2 === 0,
  (i) => i % 2 === 0,
  (_, j) => j % 3 === 0,
  (i, j) => (i + j) % 3 === 0,
  (i, j) => (Math.floor(i / 2) + Math.floor(j / 3)) % 2 === 0,
  (i, j) => ((i * j) % 2) + ((i * j) % 3) === 0,
  (i, j) => (((i * j) % 2) + ((i * j) % 3)) % 2 === 0,
  (i, j) => (((i + j) % 2) + ((i * j) % 3)) % 2 === 0,
];

/** Modules by row and column; `true` is dark. A square without its quiet zone. */
export type QrMatrix = readonly (readonly boolean[])[];

/** The code of `text`; `mask` only for tests. Throws `RangeError` when the text is too long. */
export function qrCode(text: string, mask?: number): QrMatrix {
  const made = qrWords(new TextEncoder().encode(text));
  if (made === null) throw new RangeError(`a QR code holds at most ${MAX_QR_BYTES} bytes here`);
  const grid = new Grid(made.version);
  grid.fill(made.words);
  const masked = mask === undefined ? MASKS.map((_, at) => at) : [mask];
  const codes = masked.map((at) => grid.masked(at));
  const judged = codes.map((code) => ({ code, penalty: penaltyOf(code) }));
  return judged.reduce((best, next) => (next.penalty < best.penalty ? next : best)).code;
}

/** The modules of one version: which are patterns, and which are dark. */
class Grid {
  readonly #size: number;
  readonly #dark: boolean[][];
  readonly #fixed: boolean[][];

  constructor(version: number) {
    this.#size = 17 + version * 4;
    const empty = () =>
      Array.from({ length: this.#size }, () => new Array<boolean>(this.#size).fill(false));
    [this.#dark, this.#fixed] = [empty(), empty()];
    for (let at = 8; at < this.#size - 8; at += 1) {
      this.#set(6, at, at % 2 === 0);
      this.#set(at, 6, at % 2 === 0);
    }
    for (const [row, column] of [
      [3, 3],
      [3, this.#size - 4],
      [this.#size - 4, 3],
    ] as const) {
      this.#rings(row, column, 4, [2, 4]);
    }
    this.#align(ALIGNMENT[version - 1] ?? []);
    this.#format(this.#dark, 0);
    if (version >= 7) this.#version(version);
  }

  /** §7.7.3: words go in pairs of columns, up and down from the right. */
  fill(words: readonly number[]): void {
    let bit = 0;
    for (let right = this.#size - 1; right > 0; right -= right === 8 ? 3 : 2) {
      const upward = ((right + 1) & 2) === 0;
      this.#column(right, upward, () => {
        const word = words[bit >> 3] ?? 0;
        const dark = (word >> (7 - (bit & 7))) & 1;
        bit += 1;
        return dark === 1;
      });
    }
  }

  /** The code under a mask, with the format that says so. */
  masked(mask: number): boolean[][] {
    const flips = MASKS[mask] ?? (() => false);
    const out = this.#dark.map((line, row) =>
      line.map((dark, column) => (this.#fixed[row]?.[column] ? dark : dark !== flips(row, column))),
    );
    this.#format(out, mask);
    return out;
  }

  #column(right: number, upward: boolean, next: () => boolean): void {
    for (let step = 0; step < this.#size; step += 1) {
      const row = upward ? this.#size - 1 - step : step;
      for (const column of [right, right - 1]) {
        const line = this.#dark[row];
        if (line !== undefined && !this.#fixed[row]?.[column]) line[column] = next();
      }
    }
  }

  #align(centres: readonly number[]): void {
    const last = centres.at(-1);
    for (const row of centres) {
      for (const column of centres) {
        const atFinder =
          (row === 6 && (column === 6 || column === last)) || (row === last && column === 6);
        if (!atFinder) this.#rings(row, column, 2, [1]);
      }
    }
  }

  /** A square of rings around a centre; those at a distance in `light` are light. */
  #rings(row: number, column: number, radius: number, light: readonly number[]): void {
    for (let down = -radius; down <= radius; down += 1) {
      for (let across = -radius; across <= radius; across += 1) {
        const distance = Math.max(Math.abs(down), Math.abs(across));
        this.#set(row + down, column + across, !light.includes(distance));
      }
    }
  }

  /** §7.9: level M and the mask, twice, with a BCH (15,5) code. */
  #format(target: boolean[][], mask: number): void {
    const bits = ((mask << 10) | bch(mask, 0x537, 10)) ^ 0x5412;
    const end = this.#size - 1;
    for (let at = 0; at < 15; at += 1) {
      const dark = ((bits >> at) & 1) === 1;
      const first = at < 6 ? at : at < 8 ? at + 1 : end - 14 + at;
      const second = at < 8 ? end - at : at === 8 ? 7 : 14 - at;
      this.#put(target, first, 8, dark);
      this.#put(target, 8, second, dark);
    }
    this.#put(target, end - 7, 8, true);
  }

  /** §7.10: the version, twice, with a BCH (18,6) code. */
  #version(version: number): void {
    const bits = (version << 12) | bch(version, 0x1f25, 12);
    for (let at = 0; at < 18; at += 1) {
      const [far, near] = [this.#size - 11 + (at % 3), Math.floor(at / 3)];
      this.#set(far, near, ((bits >> at) & 1) === 1);
      this.#set(near, far, ((bits >> at) & 1) === 1);
    }
  }

  #set(row: number, column: number, dark: boolean): void {
    this.#put(this.#dark, row, column, dark);
  }

  #put(target: boolean[][], row: number, column: number, dark: boolean): void {
    const [line, fixed] = [target[row], this.#fixed[row]];
    if (line === undefined || fixed === undefined || column < 0 || column >= this.#size) return;
    line[column] = dark;
    fixed[column] = true;
  }
}

function bch(value: number, polynomial: number, degree: number): number {
  let rest = value;
  for (let at = 0; at < degree; at += 1) rest = (rest << 1) ^ ((rest >> (degree - 1)) * polynomial);
  return rest;
}
