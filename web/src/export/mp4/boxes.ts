// The shape of ISO BMFF boxes (14496-12 §4.2): a 32-bit size that is filled in when the box ends.

import type { Bytes } from "../../domain/bytes.ts";

/** Boxes being written; memory grows by doubling. */
export class Boxes {
  #bytes = new Uint8Array(4_096);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** What was written. */
  take(): Bytes {
    return this.#bytes.slice(0, this.#length);
  }

  /** A box of type `kind` with what `body` writes. */
  boxed(kind: string, body: (out: this) => void): this {
    const start = this.#length;
    this.u32(0).text(kind);
    body(this);
    this.#view.setUint32(start, this.#length - start);
    return this;
  }

  /** A `FullBox` (14496-12 §4.2.2). */
  full(kind: string, version: number, flags: number, body: (out: this) => void): this {
    return this.boxed(kind, (out) => {
      out.u32(((version << 24) | flags) >>> 0);
      body(out);
    });
  }

  bytes(bytes: Uint8Array): this {
    this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  text(text: string): this {
    return this.bytes(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  }

  zeros(count: number): this {
    return this.bytes(new Uint8Array(count));
  }

  u16(value: number): this {
    this.#grow(2);
    this.#view.setUint16(this.#length, value);
    this.#length += 2;
    return this;
  }

  u32(value: number): this {
    this.#grow(4);
    this.#view.setUint32(this.#length, value);
    this.#length += 4;
    return this;
  }

  i32(value: number): this {
    return this.u32(value >>> 0);
  }

  u64(value: number | bigint): this {
    this.#grow(8);
    this.#view.setBigUint64(this.#length, BigInt.asUintN(64, BigInt(value)));
    this.#length += 8;
    return this;
  }

  /** The unity matrix of headers (14496-12 §6.2.2). */
  matrix(): this {
    for (const value of [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000]) this.u32(value);
    return this;
  }

  #grow(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
