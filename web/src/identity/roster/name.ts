// Names in roster statements: one encoding of each. What a name is at all says `domain/name.ts`.

import type { Bytes } from "../../domain/bytes.ts";
import { demand, refuse } from "../../domain/errors.ts";
import { MAX_NAME_CHARS, nameFrom } from "../../domain/name.ts";
import type { Reader, Writer } from "../../domain/wire.ts";

/** Bytes of a name: as many characters as it may have, of UTF-8's longest. */
const MAX_NAME_BYTES = 4 * MAX_NAME_CHARS;

/** A name in its one form: UTF-8 without white space around it. */
export function decodeName(input: Reader): string {
  const bytes = input.vec16("name", MAX_NAME_BYTES);
  const text = decodeUtf8(bytes) ?? refuse("unknown", "name");
  const read = nameFrom(text);
  if ("fault" in read) return refuse(read.fault === "too-long" ? "too-long" : "unknown", "name");
  demand(read.name === text, "unknown", "name");
  return read.name;
}

function decodeUtf8(bytes: Bytes): string | null {
  try {
    // Without `ignoreBOM` a byte order mark in front would be lost: it is a character like others.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Refuses a name that no reader would take, so that none is signed. */
export function encodeName(out: Writer, name: string): void {
  const read = nameFrom(name);
  if (!("name" in read) || read.name !== name || !name.isWellFormed()) {
    throw new RangeError("not a name in its one form");
  }
  out.vec16(new TextEncoder().encode(name));
}
