// SHA-256 (FIPS 180-4 §6.2) over data that arrives in pieces: WebCrypto only takes all of it at once, and an
// exported film does not fit into memory. For public data; it takes no care about timing.

import type { Bytes } from "../domain/bytes.ts";

const BLOCK = 64;

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (§4.2.2). */
const K = roots(64, 1 / 3);

/** Of the square roots of the first eight (§5.3.3). */
const START = roots(8, 1 / 2);

function roots(count: number, power: number): Uint32Array {
  const out = new Uint32Array(count);
  for (let number = 2, at = 0; at < count; number += 1) {
    if (!isPrime(number)) continue;
    out[at] = fraction(number, power);
    at += 1;
  }
  return out;
}

function isPrime(number: number): boolean {
  for (let by = 2; by * by <= number; by += 1) if (number % by === 0) return false;
  return true;
}

/** Exactly: the root of `number · 2^(32/power)` is a whole number of 2⁻³². */
function fraction(number: number, power: number): number {
  const degree = Math.round(1 / power);
  const scaled = BigInt(number) << BigInt(32 * degree);
  let [low, high] = [0n, 1n << 40n];
  while (low + 1n < high) {
    const middle = (low + high) / 2n;
    if (middle ** BigInt(degree) <= scaled) low = middle;
    else high = middle;
  }
  return Number(low & 0xffff_ffffn);
}

/** A running hash. */
export class Sha256 {
  readonly #state = START.slice();
  readonly #words = new Uint32Array(64);
  readonly #block = new Uint8Array(BLOCK);
  #filled = 0;
  #length = 0;

  /** Takes the next bytes. */
  update(bytes: Uint8Array): this {
    this.#length += bytes.length;
    let rest = bytes;
    if (this.#filled > 0) {
      const taken = rest.subarray(0, BLOCK - this.#filled);
      this.#block.set(taken, this.#filled);
      this.#filled += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#filled < BLOCK) return this;
      this.#compress(this.#block, 0);
      this.#filled = 0;
    }
    let at = 0;
    for (; at + BLOCK <= rest.length; at += BLOCK) this.#compress(rest, at);
    this.#block.set(rest.subarray(at));
    this.#filled = rest.length - at;
    return this;
  }

  /** The hash; nothing can be added afterwards. */
  finish(): Bytes {
    const bits = BigInt(this.#length) * 8n;
    const zeros = (2 * BLOCK - 9 - this.#filled) % BLOCK;
    const end = new Uint8Array(1 + zeros + 8);
    end[0] = 0x80;
    new DataView(end.buffer).setBigUint64(1 + zeros, bits);
    this.update(end);
    const out = new Uint8Array(32);
    const view = new DataView(out.buffer);
    for (const [at, word] of this.#state.entries()) view.setUint32(at * 4, word);
    return out;
  }

  #compress(bytes: Uint8Array, start: number): void {
    const w = this.#words;
    for (let t = 0; t < 16; t += 1) {
      const at = start + t * 4;
      w[t] =
        ((bytes[at] ?? 0) << 24) |
        ((bytes[at + 1] ?? 0) << 16) |
        ((bytes[at + 2] ?? 0) << 8) |
        (bytes[at + 3] ?? 0);
    }
    for (let t = 16; t < 64; t += 1) {
      const [x, y] = [w[t - 15] ?? 0, w[t - 2] ?? 0];
      const s0 = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
      const s1 = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
      w[t] = ((w[t - 16] ?? 0) + s0 + (w[t - 7] ?? 0) + s1) | 0;
    }
    this.#rounds(w);
  }

  #rounds(w: Uint32Array): void {
    const state = this.#state;
    let [a, b, c, d] = [state[0] ?? 0, state[1] ?? 0, state[2] ?? 0, state[3] ?? 0];
    let [e, f, g, h] = [state[4] ?? 0, state[5] ?? 0, state[6] ?? 0, state[7] ?? 0];
    for (let t = 0; t < 64; t += 1) {
      const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (K[t] ?? 0) + (w[t] ?? 0)) | 0;
      const s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    for (const [at, value] of [a, b, c, d, e, f, g, h].entries()) {
      state[at] = ((state[at] ?? 0) + value) | 0;
    }
  }
}

function turn(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}
