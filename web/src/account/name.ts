// Names that people give to themselves, devices and passkeys, as they are typed; and the number of one that nobody chose
// and that is taken already (the command line has the same rule: `shell/client/src/naming.rs`).

import { MAX_NAME_CHARS, nameFrom } from "../domain/name.ts";
import { AccountError } from "./errors.ts";

/** The name without white space around it; refuses what the gateway would refuse. */
export function parseName(text: string): string {
  const read = nameFrom(text);
  if ("fault" in read) throw new AccountError("bad-name");
  return read.name;
}

/** `name`, or with the first number from 2 on that none of `taken` has. A long name gives way to its number. */
export function numbered(name: string, taken: readonly string[]): string {
  const others = new Set(taken);
  let candidate = name;
  for (let number = 2; others.has(candidate); number += 1) {
    const end = ` ${number}`;
    const start = [...name].slice(0, MAX_NAME_CHARS - end.length).join("");
    candidate = `${start.trimEnd()}${end}`;
  }
  return candidate;
}
