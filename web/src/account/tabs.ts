// What tabs of one browser tell each other: that they locked, that the stored account changed, that a person is there.
// No message carries anything else.

import type { Channel } from "./environment.ts";

/** What is told. */
export type TabMessage = "locked" | "changed" | "active";

/** How often a tab says that a person is there, in milliseconds. */
const ACTIVE_MS = 10_000;

/** The other tabs. */
export class Tabs {
  readonly #channel: Channel | null;
  #told = 0;

  constructor(channel: Channel | null, hear: (message: TabMessage) => void) {
    this.#channel = channel;
    channel?.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      if (data === "locked" || data === "changed" || data === "active") hear(data);
    });
  }

  tell(message: TabMessage): void {
    if (message === "active") {
      const now = performance.now();
      if (now - this.#told < ACTIVE_MS) return;
      this.#told = now;
    }
    this.#channel?.postMessage(message);
  }
}
