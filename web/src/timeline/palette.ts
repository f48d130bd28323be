// The timeline's colours: a canvas knows no CSS variables, so they are resolved on an element that has them, when
// the timeline appears and when the theme changes.

/** Colours, resolved from the design tokens. */
export interface Palette {
  readonly page: string;
  readonly sunken: string;
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly recorded: string;
  readonly verified: string;
  readonly bad: string;
  readonly head: string;
  readonly selection: string;
  readonly font: string;
}

const COLOURS = {
  page: "var(--surface-card)",
  sunken: "var(--surface-sunken)",
  ink: "var(--ink)",
  soft: "var(--ink-soft)",
  line: "var(--line)",
  recorded: "color-mix(in srgb, var(--accent) 50%, var(--surface-sunken))",
  verified: "var(--accent)",
  bad: "var(--bad)",
  head: "var(--live)",
  selection: "var(--focus)",
} as const;

/** The colours as they are at `element` now. */
export function paletteAt(element: HTMLElement): Palette {
  const probe = document.createElement("span");
  probe.hidden = true;
  element.append(probe);
  try {
    const resolve = (colour: string): string => {
      probe.style.setProperty("color", colour);
      return getComputedStyle(probe).color;
    };
    const colours = Object.entries(COLOURS).map(([name, colour]) => [name, resolve(colour)]);
    const { fontFamily } = getComputedStyle(element);
    return { ...Object.fromEntries(colours), font: `12px ${fontFamily}` } as Palette;
  } finally {
    probe.remove();
  }
}

/** Calls `changed` when the theme does; gives what ends that. */
export function onTheme(changed: () => void): () => void {
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", changed);
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  return () => {
    scheme.removeEventListener("change", changed);
    observer.disconnect();
  };
}
