// The one byte codec of everything that is signed, sealed or stored (docs/sealed-stream.md §1):
// big-endian integers, fixed fields, byte strings behind a length. A reader refuses every second
// encoding: lengths are checked against the field's limit before anything is taken, and left-over
// bytes are an error. It knows no field of any value; those are named by the rooms that use it.

import type { Bytes } from "./bytes.ts";
import { concat } from "./bytes.ts";
import { demand, SealedError } from "./errors.ts";

/** Reads values from the front of `bytes`. 64-bit values are `bigint`, so none is rounded. */
export class Reader {
  readonly #bytes: Bytes;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** `length` bytes, seen where they lie. */
  view(field: string, length: number): Bytes {
    const start = this.#advance(field, length);
    return this.#bytes.subarray(start, start + length);
  }

  /** `length` bytes, copied: for what is kept longer than the message it came in. */
  fixed(field: string, length: number): Bytes {
    return this.view(field, length).slice();
  }

  u8(field: string): number {
    return this.#view.getUint8(this.#advance(field, 1));
  }

  u16(field: string): number {
    return this.#view.getUint16(this.#advance(field, 2));
  }

  u32(field: string): number {
    return this.#view.getUint32(this.#advance(field, 4));
  }

  i32(field: string): number {
    return this.#view.getInt32(this.#advance(field, 4));
  }

  u64(field: string): bigint {
    return this.#view.getBigUint64(this.#advance(field, 8));
  }

  i64(field: string): bigint {
    return this.#view.getBigInt64(this.#advance(field, 8));
  }

  /** A byte that must be `expected`. */
  exactly(field: string, expected: number): void {
    demand(this.u8(field) === expected, "unknown", field);
  }

  /** A one-byte count or length of at most `max`. */
  count8(field: string, max: number): number {
    const count = this.u8(field);
    demand(count <= max, "too-long", field);
    return count;
  }

  /** A two-byte count or length of at most `max`. */
  count16(field: string, max: number): number {
    const count = this.u16(field);
    demand(count <= max, "too-long", field);
    return count;
  }

  /** Bytes behind a one-byte length of at most `max`. */
  vec8(field: string, max: number): Bytes {
    return this.fixed(field, this.count8(field, max));
  }

  /** Bytes behind a two-byte length of at most `max`. */
  vec16(field: string, max: number): Bytes {
    return this.fixed(field, this.count16(field, max));
  }

  /** What has been read so far, seen where it lies: what a signature at this place covers. */
  before(): Bytes {
    return this.#bytes.subarray(0, this.#at);
  }

  /** What has not been read, seen where it lies; nothing is left afterwards. */
  rest(): Bytes {
    const rest = this.#bytes.subarray(this.#at);
    this.#at = this.#bytes.length;
    return rest;
  }

  /** Everything must have been read. */
  finish(field: string): void {
    demand(this.#at === this.#bytes.length, "trailing", field);
  }

  #advance(field: string, length: number): number {
    const start = this.#at;
    if (this.#bytes.length - start < length) throw new SealedError("short", field);
    this.#at = start + length;
    return start;
  }
}

/** Appends values. Values out of range are the caller's mistake: `RangeError`. */
export class Writer {
  readonly #parts: Uint8Array[] = [];

  u8(value: number): this {
    return this.#put(1, 0xff, value, (view) => view.setUint8(0, value));
  }

  u16(value: number): this {
    return this.#put(2, 0xffff, value, (view) => view.setUint16(0, value));
  }

  u32(value: number): this {
    return this.#put(4, 0xffff_ffff, value, (view) => view.setUint32(0, value));
  }

  i32(value: number): this {
    return this.u32(value >>> 0);
  }

  u64(value: bigint): this {
    if (BigInt.asUintN(64, value) !== value) throw new RangeError("not a u64");
    return this.#put(8, 0, 0, (view) => view.setBigUint64(0, value));
  }

  i64(value: bigint): this {
    if (BigInt.asIntN(64, value) !== value) throw new RangeError("not an i64");
    return this.#put(8, 0, 0, (view) => view.setBigInt64(0, value));
  }

  /** Bytes whose length both sides know. */
  fixed(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  /** At most 255 bytes behind a one-byte length. */
  vec8(bytes: Uint8Array): this {
    return this.u8(bytes.length).fixed(bytes);
  }

  /** At most 65,535 bytes behind a two-byte length. */
  vec16(bytes: Uint8Array): this {
    return this.u16(bytes.length).fixed(bytes);
  }

  /** What has been written, in new memory. */
  bytes(): Bytes {
    return concat(...this.#parts);
  }

  #put(length: number, max: number, value: number, set: (view: DataView) => void): this {
    if (!Number.isInteger(value) || value < 0 || value > max) throw new RangeError("out of range");
    const bytes = new Uint8Array(length);
    set(new DataView(bytes.buffer));
    return this.fixed(bytes);
  }
}
