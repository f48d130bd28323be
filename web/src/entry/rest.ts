// Secrets in plain sight (the 24 words) do not stay on a screen that nobody touches, nor on a page that is put away.

import { AutoLock } from "../account/idle.ts";

/** How long they stay, in minutes. */
export const REST_MINUTES = 10;

/** Calls `clear` once after ten minutes without a touch or key, or when the page is left; gives the way to end that. */
export function whenAtRest(clear: () => void, target: EventTarget = window): () => void {
  const rest = new AutoLock({ onIdle: clear, onActive: () => undefined, target });
  const left = (event: Event): void => {
    if (!("persisted" in event && event.persisted === true)) return;
    rest.stop();
    clear();
  };
  rest.start(REST_MINUTES);
  target.addEventListener("pagehide", left);
  return () => {
    rest.stop();
    target.removeEventListener("pagehide", left);
  };
}
