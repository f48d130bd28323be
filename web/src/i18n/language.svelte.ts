// Which language is shown: the one that was chosen, else the first of the browser's that we have. English is always
// there; others are fetched when they are wanted. Views that call `t` follow a change by themselves.

import { en } from "./en/index.ts";
import type { Messages } from "./messages.ts";

/** Languages that are complete, by their own names. */
export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;

const KEPT = "bartizan.language";

interface Shown {
  readonly language: Language;
  /** For Intl: the browser's own variant (en-GB) where its language is the one shown. */
  readonly locale: string;
  readonly messages: Messages;
}

let shown: Shown = $state.raw({ language: "en", locale: localeFor("en"), messages: en });
let wanted: Language = "en";

const LOAD: { readonly [language in Language]: () => Promise<Messages> } = {
  en: async () => en,
  de: async () => (await import("./de/index.ts")).de,
};

/** What is shown now. */
export const language = (): Shown => shown;

/** Shows a language; when two changes overlap, the later one wins. */
export async function showLanguage(next: Language): Promise<void> {
  wanted = next;
  const messages = await LOAD[next]();
  if (wanted !== next) return;
  shown = { language: next, locale: localeFor(next), messages };
  if (typeof document !== "undefined") document.documentElement.lang = next;
}

/** Shows a language and keeps the choice; `null` goes back to the browser's. */
export async function chooseLanguage(next: Language | null): Promise<void> {
  if (next === null) localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, next);
  await showLanguage(next ?? preferred(navigator.languages));
}

/** The choice that is kept, if there is one. */
export function chosenLanguage(): Language | null {
  const kept = localStorage.getItem(KEPT);
  return isLanguage(kept) ? kept : null;
}

/** At start: the choice, else the browser's. */
export function startLanguage(): Promise<void> {
  return showLanguage(chosenLanguage() ?? preferred(navigator.languages));
}

/** The first of `tags` (BCP 47) that we have. */
export function preferred(tags: readonly string[]): Language {
  return tags.map((tag) => tag.split("-")[0] ?? "").find(isLanguage) ?? "en";
}

function isLanguage(text: string | null | undefined): text is Language {
  return text !== null && text !== undefined && Object.hasOwn(LANGUAGES, text);
}

function localeFor(wantedLanguage: Language): string {
  const tags = typeof navigator === "undefined" ? [] : (navigator.languages ?? []);
  return tags.find((tag) => tag.split("-")[0] === wantedLanguage) ?? wantedLanguage;
}
