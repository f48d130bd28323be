// Appearance: theme and motion, as chosen or as the system says. Kept in the browser; says nothing about anybody.

/** What can be chosen. */
export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];
export const MOTIONS = ["system", "reduced", "full"] as const;
export type Motion = (typeof MOTIONS)[number];

const THEME_KEPT = "bartizan.theme";
const MOTION_KEPT = "bartizan.motion";

/** The page's colour in light and dark, for the browser's own bars (`--surface-page`). */
const PAGE = { light: "#f5f3ef", dark: "#101413" } as const;

let theme: Theme = $state(kept(THEME_KEPT, THEMES));
let motion: Motion = $state(kept(MOTION_KEPT, MOTIONS));

export const chosenTheme = (): Theme => theme;
export const chosenMotion = (): Motion => motion;

export function chooseTheme(next: Theme): void {
  theme = next;
  keep(THEME_KEPT, next);
  showAppearance();
}

export function chooseMotion(next: Motion): void {
  motion = next;
  keep(MOTION_KEPT, next);
  showAppearance();
}

/** Puts the choices on the document. */
export function showAppearance(): void {
  const root = document.documentElement;
  mark(root, "theme", theme);
  mark(root, "motion", motion);
  for (const meta of document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]")) {
    const system = meta.media.includes("dark") ? "dark" : "light";
    meta.content = PAGE[theme === "system" ? system : theme];
  }
}

function mark(root: HTMLElement, name: "theme" | "motion", value: string): void {
  if (value === "system") delete root.dataset[name];
  else root.dataset[name] = value;
}

function kept<T extends string>(key: string, among: readonly T[]): T {
  const text = localStorage.getItem(key);
  return among.find((each) => each === text) ?? (among[0] as T);
}

function keep(key: string, value: string): void {
  if (value === "system") localStorage.removeItem(key);
  else localStorage.setItem(key, value);
}
