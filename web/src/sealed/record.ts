// Records: the 16-byte header, the chain, and cutting arriving bytes into records
// (docs/sealed-stream.md §2). It knows frames of bytes only; what the bodies mean is next door.

import type { Bytes } from "../domain/bytes.ts";
import { equal, sha256, ZERO_HASH } from "../domain/bytes.ts";
import { demand, refuse } from "../domain/errors.ts";
import { Reader } from "../domain/wire.ts";

/** Length of a record header in bytes. */
export const HEADER_LEN = 16;

/** The part of the header that the chain and the AEAD cover: all but the check field. */
export const COVERED_LEN = 12;

/** Largest body of a record in bytes. */
export const MAX_BODY = 8_388_608;

/** What a record is, by its code. */
export const KINDS = {
  1: "envelope",
  2: "segment",
  3: "frame",
  4: "close",
  5: "manifest",
} as const;
export type Kind = (typeof KINDS)[keyof typeof KINDS];

export const RENDITIONS = { 0: "main", 1: "sub" } as const;
export type Rendition = (typeof RENDITIONS)[keyof typeof RENDITIONS];

export const TRACKS = { 0: "video", 1: "audio", 2: "event", 3: "thumbnail" } as const;
export type Track = (typeof TRACKS)[keyof typeof TRACKS];

/** A record's header without its check field. */
export interface Header {
  readonly bodyLength: number;
  readonly kind: Kind;
  /** Frames: decoding can start here. */
  readonly key: boolean;
  /** Frames: the body carries the track's configuration. */
  readonly config: boolean;
  readonly rendition: Rendition;
  /** Frames: whose; `"video"` for every other kind. */
  readonly track: Track;
  /** Frame: its place in the segment. Close: how many frames there were. Else 0. */
  readonly index: number;
}

/** One whole record, seen where it lies. */
export interface Record {
  readonly header: Header;
  /** The twelve header bytes that chain and AEAD cover. */
  readonly covered: Bytes;
  readonly check: Bytes;
  readonly body: Bytes;
}

/** The code of `name` in one of the tables above. */
export function codeOf<T extends string>(table: { readonly [code: number]: T }, name: T): number {
  const found = Object.entries(table).find(([, value]) => value === name);
  if (found === undefined) throw new RangeError(`no code for ${name}`);
  return Number(found[0]);
}

/** The name of `code` in one of the tables above; refuses codes that it does not hold. */
export function nameOf<T extends string>(
  table: { readonly [code: number]: T },
  code: number,
  field: string,
): T {
  return table[code] ?? refuse("unknown", field);
}

/** Reads the 16 header bytes in front of `bytes`. Refuses unknown codes and lengths over the limit. */
export function decodeHeader(bytes: Bytes): Header {
  const input = new Reader(bytes);
  const bodyLength = input.u32("record body");
  demand(bodyLength <= MAX_BODY, "too-long", "record body");
  const kind = nameOf(KINDS, input.u8("record kind"), "record kind");
  const flags = input.u8("record flags");
  demand(flags <= 3, "unknown", "record flags");
  const rendition = nameOf(RENDITIONS, input.u8("record rendition"), "record rendition");
  const track = nameOf(TRACKS, input.u8("record track"), "record track");
  const index = input.u32("record index");
  if (kind !== "frame") {
    demand(flags === 0, "unknown", "record flags");
    demand(track === "video", "unknown", "record track");
  }
  demand(kind === "frame" || kind === "close" || index === 0, "unknown", "record index");
  const [key, config] = [(flags & 1) !== 0, (flags & 2) !== 0];
  return { bodyLength, kind, key, config, rendition, track, index };
}

/** The record at the front of `bytes`, which hold it whole. */
function recordAt(bytes: Bytes, header: Header): Record {
  return {
    header,
    covered: bytes.subarray(0, COVERED_LEN),
    check: bytes.subarray(COVERED_LEN, HEADER_LEN),
    body: bytes.subarray(HEADER_LEN, HEADER_LEN + header.bodyLength),
  };
}

/** The chain after `record`. */
export function link(before: Bytes, record: Pick<Record, "covered" | "body">): Promise<Bytes> {
  return sha256(before, record.covered, record.body);
}

/** The chain after `record`; refuses a record whose check field does not agree. */
export async function chainAfter(before: Bytes, record: Record): Promise<Bytes> {
  const chain = await link(before, record);
  demand(equal(chain.subarray(0, 4), record.check), "wrong-check", record.header.kind);
  return chain;
}

/** The chain of a record that starts anew; for envelopes and manifests it is their hash. */
export function hashOf(record: Record): Promise<Bytes> {
  return chainAfter(ZERO_HASH, record);
}

/**
 * Cuts bytes into records, however they arrive. It holds at most one incomplete record (8 MiB and a
 * header). A record that lies whole in one chunk is not copied. After a refusal nothing more is read.
 */
export class Splitter {
  #partial: { bytes: Bytes; filled: number; header: Header | null } | null = null;

  /** The records that `chunk` completes, in order. Drain it: what is not taken is lost. */
  *push(chunk: Bytes): Generator<Record, void> {
    let rest = chunk;
    while (rest.length > 0) {
      const [record, taken] = this.#partial === null ? this.#whole(rest) : this.#resume(rest);
      if (record !== null) yield record;
      rest = rest.subarray(taken);
    }
  }

  /** Whether bytes of an incomplete record wait. */
  get pending(): boolean {
    return this.#partial !== null;
  }

  #whole(rest: Bytes): [Record | null, number] {
    if (rest.length >= HEADER_LEN) {
      const header = decodeHeader(rest);
      const length = HEADER_LEN + header.bodyLength;
      if (rest.length >= length) return [recordAt(rest.subarray(0, length), header), length];
    }
    this.#partial = { bytes: new Uint8Array(HEADER_LEN), filled: 0, header: null };
    return [null, 0];
  }

  #resume(rest: Bytes): [Record | null, number] {
    const partial = this.#partial;
    if (partial === null) return [null, 0];
    const taken = rest.subarray(0, partial.bytes.length - partial.filled);
    partial.bytes.set(taken, partial.filled);
    partial.filled += taken.length;
    if (partial.filled < partial.bytes.length) return [null, taken.length];
    if (partial.header === null) this.#grow(partial, decodeHeader(partial.bytes));
    if (partial.header === null || partial.filled < partial.bytes.length) {
      return [null, taken.length];
    }
    this.#partial = null;
    return [recordAt(partial.bytes, partial.header), taken.length];
  }

  #grow(partial: { bytes: Bytes; header: Header | null }, header: Header): void {
    const bytes = new Uint8Array(HEADER_LEN + header.bodyLength);
    bytes.set(partial.bytes);
    partial.bytes = bytes;
    partial.header = header;
  }
}
