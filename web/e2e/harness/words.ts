// What is written on the screen, out of the app's own catalogue: a text that is put better breaks no test.

import { en } from "../../src/i18n/en/index.ts";

export type Key = keyof typeof en;

/** The English text of a message, with its values put in. */
export function text(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  const message: unknown = en[key];
  if (typeof message === "function") {
    return (message as (values: unknown) => string)(values);
  }
  return String(message).replace(/\{(\w+)\}/g, (whole, name: string) => `${values[name] ?? whole}`);
}

/** How a text begins, up to its first value. */
export function startOf(key: Key): RegExp {
  const [first = ""] = text(key).split(/\{\w+\}/);
  return new RegExp(`^${first.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`);
}

/** The whole text, whatever its values are. */
export function anyText(key: Key): RegExp {
  const parts = text(key).split(/\{\w+\}/);
  return new RegExp(
    `^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("(.+)")}$`,
  );
}
