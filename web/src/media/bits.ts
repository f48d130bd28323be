// Bits of a NAL unit: Exp-Golomb codes (14496-10 §9.1) and the bytes that keep start codes out
// (§7.4.1). Reading past the end is a `RangeError`; what the bits mean is decided elsewhere.

import type { Bytes } from "../domain/bytes.ts";

/** Longest Exp-Golomb code: 31 zeros, a one and 31 bits. */
const MAX_ZEROS = 31;

/** Takes the emulation prevention bytes out: `00 00 03` stands for `00 00`. */
export function withoutEscapes(nal: Uint8Array): Bytes {
  const out = new Uint8Array(nal.length);
  let [length, zeros] = [0, 0];
  for (const byte of nal) {
    const skipped = zeros >= 2 && byte === 3;
    zeros = byte === 0 ? zeros + 1 : 0;
    if (skipped) continue;
    out[length] = byte;
    length += 1;
  }
  return out.subarray(0, length);
}

/** Puts them in again. */
export function withEscapes(rbsp: Uint8Array): Bytes {
  const out: number[] = [];
  let zeros = 0;
  for (const byte of rbsp) {
    if (zeros >= 2 && byte <= 3) {
      out.push(3);
      zeros = 0;
    }
    out.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return Uint8Array.from(out);
}

/** Reads bits from the front, most significant first. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bits that were read. */
  get position(): number {
    return this.#at;
  }

  bit(): number {
    const byte = this.#bytes[this.#at >> 3];
    if (byte === undefined) throw new RangeError("out of bits");
    const bit = (byte >> (7 - (this.#at & 7))) & 1;
    this.#at += 1;
    return bit;
  }

  flag(): boolean {
    return this.bit() === 1;
  }

  /** At most 32 bits. */
  bits(count: number): number {
    let value = 0;
    for (let each = 0; each < count; each += 1) value = value * 2 + this.bit();
    return value;
  }

  ue(): number {
    let zeros = 0;
    while (this.bit() === 0) {
      zeros += 1;
      if (zeros > MAX_ZEROS) throw new RangeError("not an Exp-Golomb code");
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  se(): number {
    const code = this.ue();
    return code % 2 === 0 ? -code / 2 : (code + 1) / 2;
  }
}

/** Appends bits. */
export class BitWriter {
  readonly #bits: number[] = [];

  bits(count: number, value: number): this {
    for (let at = count - 1; at >= 0; at -= 1) this.#bits.push(Math.floor(value / 2 ** at) % 2);
    return this;
  }

  ue(value: number): this {
    const length = Math.floor(Math.log2(value + 1));
    return this.bits(length, 0).bits(length + 1, value + 1);
  }

  /** The first `count` bits of `from`, as they are. */
  copy(from: Uint8Array, count: number): this {
    const reader = new BitReader(from);
    for (let each = 0; each < count; each += 1) this.#bits.push(reader.bit());
    return this;
  }

  /** Ends with the stop bit (§7.3.2.11). */
  bytes(): Bytes {
    const bits = [...this.#bits, 1];
    const out = new Uint8Array(Math.ceil(bits.length / 8));
    for (const [at, bit] of bits.entries()) {
      if (bit === 1) out[at >> 3] = (out[at >> 3] ?? 0) | (0x80 >> (at & 7));
    }
    return out;
  }
}
