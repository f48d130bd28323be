// Names that people give to themselves, devices and passkeys: the rules of `core/domain/src/text.rs`.

import { AccountError } from "./errors.ts";

/** Most characters of a name. */
export const MAX_NAME_CHARS = 64;

/** Line breaks and other controls, and marks that change the direction of the text around them. */
const CONTROLS = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

/** The name without white space around it; refuses what the gateway would refuse. */
export function parseName(text: string): string {
  const name = text.trim();
  const length = [...name].length;
  if (length === 0 || length > MAX_NAME_CHARS || CONTROLS.test(name)) {
    throw new AccountError("bad-name");
  }
  return name;
}
