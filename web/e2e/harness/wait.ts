// Waiting for what happens in its own time.

import { setTimeout as pause } from "node:timers/promises";

export { pause };

/** Asks again and again until `probe` gives something, at most `limitMs`. A probe that throws has not got it yet. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  limitMs = 20_000,
  everyMs = 50,
): Promise<T> {
  const end = performance.now() + limitMs;
  let last: unknown;
  while (performance.now() < end) {
    try {
      const found = await probe();
      if (found !== undefined && found !== null && found !== false) {
        return found;
      }
    } catch (error) {
      last = error;
    }
    await pause(everyMs);
  }
  throw new Error(`it did not happen within ${limitMs} ms: ${what}`, { cause: last });
}
