// How a page starts: what moves after it was shown, and what keeps the page from answering. Chromium's own measures.

import type { BrowserContext, Page } from "playwright-core";

export interface StartUp {
  /** Cumulative layout shift; 0 is a page that stands still. */
  readonly shift: number;
  /** The longest task in milliseconds. */
  readonly longestTaskMs: number;
  /** When the first content was painted. */
  readonly firstContentMs: number;
}

interface Watching {
  startUp: { shift: number; longest: number };
}

function install(): void {
  const found = { shift: 0, longest: 0 };
  (globalThis as unknown as Watching).startUp = found;
  const watch = (type: string, note: (entry: PerformanceEntry) => void): void => {
    new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({
      type,
      buffered: true,
    });
  };
  watch("longtask", (entry) => {
    found.longest = Math.max(found.longest, entry.duration);
  });
  watch("layout-shift", (entry) => {
    const { value, hadRecentInput } = entry as PerformanceEntry & {
      value: number;
      hadRecentInput: boolean;
    };
    found.shift += hadRecentInput ? 0 : value;
  });
}

export async function watchStartUp(context: BrowserContext): Promise<void> {
  await context.addInitScript(install);
}

export function startUpOf(page: Page): Promise<StartUp> {
  return page.evaluate(() => {
    const { shift, longest } = (globalThis as unknown as Watching).startUp;
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    return { shift, longestTaskMs: longest, firstContentMs: paint?.startTime ?? 0 };
  });
}
