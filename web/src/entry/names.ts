// The rule for names of people, devices and cameras, as a text beside a field (the rule itself: account/name.ts).

import { parseName } from "../account/name.ts";
import { t } from "../i18n/index.ts";
import { problemText } from "../i18n/problem.ts";

/** Why `text` is no name, in words; `undefined` when it is one. */
export function nameError(text: string): string | undefined {
  if (text.trim() === "") return t("entry.name-missing");
  try {
    parseName(text);
    return undefined;
  } catch (error) {
    return problemText(error).advice;
  }
}
