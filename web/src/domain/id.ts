// Ids and their text form: unpadded lower-case base32 (RFC 4648 §6), safe in URLs, file names and logs.
// One type per thing, so that a camera's id can never be passed where a site's is wanted. Inside the app
// ids are their text, which compares and indexes as any string; bytes appear only at the format's edge.

import type { Bytes } from "./bytes.ts";
import { refuse } from "./errors.ts";

declare const thing: unique symbol;
type Id<Thing extends string> = string & { readonly [thing]: Thing };

/** One household, shop or school. */
export type SiteId = Id<"site">;
/** One camera of a site, whatever renditions it has. */
export type CameraId = Id<"camera">;
/** A person on the roster. */
export type MemberId = Id<"member">;
/** One of a member's phones, browsers or computers. */
export type DeviceId = Id<"device">;
/** The period under one epoch secret. */
export type EpochId = Id<"epoch">;
/** Names a public key. */
export type KeyId = Id<"key">;
/** A SHA-256 in a chain. */
export type Hash = Id<"hash">;
/** A SHA-256 that people or links carry to recognise a key. */
export type Fingerprint = Id<"fingerprint">;
type AnyId = SiteId | CameraId | MemberId | DeviceId | EpochId | KeyId | Hash | Fingerprint;

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** The id whose bytes these are. */
export function idOf<T extends AnyId>(bytes: Uint8Array): T {
  let [text, bits, held] = ["", 0, 0];
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(held >> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
  }
  if (bits > 0) text += ALPHABET[(held << (5 - bits)) & 31];
  return text as T;
}

/** The bytes of an id. */
export function bytesOf(id: AnyId): Bytes {
  const length = Math.floor((id.length * 5) / 8);
  const out = new Uint8Array(length);
  let [bits, held, at] = [0, 0, 0];
  for (const symbol of id) {
    held = (held << 5) | ALPHABET.indexOf(symbol);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out[at] = held >> bits;
      at += 1;
      held &= (1 << bits) - 1;
    }
  }
  return out;
}

/** Reads an id of `length` bytes (16, or 32 for digests) from text; refuses every other text. */
export function parseId<T extends AnyId>(text: string, length: 16 | 32, field = "id"): T {
  const characters = Math.ceil((length * 8) / 5);
  if (text.length !== characters || !/^[a-z2-7]+$/.test(text)) refuse("unknown", field);
  const id = text as T;
  return idOf<T>(bytesOf(id)) === id ? id : refuse("unknown", field);
}
