// The words of a QR code (ISO/IEC 18004:2015 §7.4 to §7.6): the text in byte mode, padded, with error correction of
// level M, in the order in which they are drawn.

/** For each version from 1: error correction words of a block, and blocks with their data words (Table 9). */
const BLOCKS: readonly (readonly [number, ...(readonly [number, number])[]])[] = [
  [10, [1, 16]],
  [16, [1, 28]],
  [26, [1, 44]],
  [18, [2, 32]],
  [24, [2, 43]],
  [16, [4, 27]],
  [18, [4, 31]],
  [22, [2, 38], [2, 39]],
  [22, [3, 36], [2, 37]],
  [26, [4, 43], [1, 44]],
  [30, [1, 50], [4, 51]],
  [22, [6, 36], [2, 37]],
];

/** The version that holds `bytes`, and its words; `null` when none does. */
export function qrWords(bytes: Uint8Array): { version: number; words: number[] } | null {
  const fits = (version: number) => dataWords(version) * 8 >= bitsFor(bytes, version);
  const version = BLOCKS.findIndex((_, at) => fits(at + 1)) + 1;
  if (version === 0) return null;
  return { version, words: interleave(version, encode(version, bytes)) };
}

const countBits = (version: number) => (version < 10 ? 8 : 16);
const bitsFor = (bytes: Uint8Array, version: number) => 4 + countBits(version) + bytes.length * 8;

function blocksOf(version: number): { correction: number; lengths: number[] } {
  const [correction, ...groups] = BLOCKS[version - 1] ?? [0];
  const lengths = groups.flatMap(([count, length]) => new Array<number>(count).fill(length));
  return { correction, lengths };
}

function dataWords(version: number): number {
  return blocksOf(version).lengths.reduce((sum, length) => sum + length, 0);
}

/** §7.4: mode, count, bytes, terminator, padding. */
function encode(version: number, bytes: Uint8Array): number[] {
  const bits: number[] = [];
  const put = (value: number, count: number) => {
    for (let at = count - 1; at >= 0; at -= 1) bits.push((value >> at) & 1);
  };
  put(0b0100, 4);
  put(bytes.length, countBits(version));
  for (const byte of bytes) put(byte, 8);
  const room = dataWords(version);
  put(0, Math.min(4, room * 8 - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  const words = [];
  for (let at = 0; at < bits.length; at += 8) {
    words.push(bits.slice(at, at + 8).reduce((word, bit) => (word << 1) | bit, 0));
  }
  for (let pad = 0xec; words.length < room; pad ^= 0xec ^ 0x11) words.push(pad);
  return words;
}

/** §7.5 and §7.6: error correction by block, then words of all blocks in turn. */
function interleave(version: number, data: readonly number[]): number[] {
  const { correction, lengths } = blocksOf(version);
  const divisor = generator(correction);
  let at = 0;
  const blocks = lengths.map((length) => {
    at += length;
    return data.slice(at - length, at);
  });
  const inTurn = (parts: number[][]) => {
    const longest = Math.max(...parts.map((part) => part.length));
    return Array.from({ length: longest }, (_, index) =>
      parts.flatMap((part) => part.slice(index, index + 1)),
    ).flat();
  };
  return [...inTurn(blocks), ...inTurn(blocks.map((block) => remainder(block, divisor)))];
}

/** Multiplication in GF(2⁸) modulo x⁸ + x⁴ + x³ + x² + 1. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    if ((b >> bit) & 1) product ^= a;
  }
  return product;
}

/** Coefficients of (x − α⁰)(x − α¹)…, without the leading one. */
function generator(degree: number): number[] {
  let out = [...new Array<number>(degree - 1).fill(0), 1];
  for (let root = 1, step = 0; step < degree; step += 1, root = multiply(root, 2)) {
    const factor = root;
    out = out.map((value, at) => multiply(value, factor) ^ (out[at + 1] ?? 0));
  }
  return out;
}

function remainder(data: readonly number[], divisor: readonly number[]): number[] {
  let out = divisor.map(() => 0);
  for (const word of data) {
    const factor = word ^ (out[0] ?? 0);
    out = divisor.map((value, at) => multiply(value, factor) ^ (out[at + 1] ?? 0));
  }
  return out;
}
