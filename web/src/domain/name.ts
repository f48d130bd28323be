// The rule for names of people, devices and cameras (core/domain/src/text.rs), to the letter: two readers that differ
// about one character would differ about whole rosters.

/** Most characters of a name. */
export const MAX_NAME_CHARS = 64;

/** What `char::is_whitespace` takes; `String.prototype.trim` takes a byte order mark as well. */
const AROUND = /^\p{White_Space}+|\p{White_Space}+$/gu;

/** Line breaks and other controls, and marks that change the direction of the text around them. */
const CONTROLS = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

/** The name without white space around it, or why `text` is none. */
export function nameFrom(text: string): { readonly name: string } | { readonly fault: NameFault } {
  const name = text.replace(AROUND, "");
  const length = [...name].length;
  if (length === 0) return { fault: "empty" };
  if (length > MAX_NAME_CHARS) return { fault: "too-long" };
  return CONTROLS.test(name) ? { fault: "control" } : { name };
}

export type NameFault = "empty" | "too-long" | "control";
