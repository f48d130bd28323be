// Texts and formats of the app. `t("feature.name", {…})` gives a message in the language that is shown; `format…`
// write times, sizes and numbers as the viewer is used to, in the viewer's time zone. New messages go into
// en/FEATURE.ts and de/FEATURE.ts.

import { en } from "./en/index.ts";
import { language } from "./language.svelte.ts";
import type { Value, Values } from "./messages.ts";
import { fill } from "./messages.ts";

export * from "./format.ts";
export {
  chooseLanguage,
  chosenLanguage,
  LANGUAGES,
  type Language,
  language,
  startLanguage,
} from "./language.svelte.ts";

/** Every key of the catalogue. */
export type Key = keyof typeof en;

/** The message of `key`. In a component it follows the language. */
export function t<K extends Key>(key: K, ...values: Values<(typeof en)[K]>): string {
  const message = language().messages[key] ?? en[key];
  const given = (values[0] ?? {}) as { readonly [name: string]: Value };
  if (typeof message === "string") return fill(message, given);
  return (message as (values: unknown) => string)(given);
}

/** As `t`, for keys that are put together at run time: takes all the values that there may be. */
export function say(key: Key, values: { readonly [name: string]: Value } = {}): string {
  return (t as unknown as (key: Key, values: object) => string)(key, values);
}

/** Whether there is such a message: for keys that are built from a server's codes. */
export function isKey(key: string): key is Key {
  return Object.hasOwn(en, key);
}
