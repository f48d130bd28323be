// Contrast of two colours (WCAG 2.2 §1.4.3), and reading of tokens.css, for its tests.

/** A token's colours. */
export interface Pair {
  readonly light: string;
  readonly dark: string;
}

/** Hexadecimal colours of `--name: light-dark(#…, #…)`. */
export function readTokens(css: string): Map<string, Pair> {
  const found = css.matchAll(/--([\w-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)/g);
  return new Map(
    [...found].map(([, name, light, dark]) => [name!, { light: light!, dark: dark! }]),
  );
}

/** From 1 to 21. */
export function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light! + 0.05) / (dark! + 0.05);
}

function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}
