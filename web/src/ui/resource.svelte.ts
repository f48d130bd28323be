// Something that is fetched and shown: its last value, whether it is under way, what went wrong. It can be asked again at
// intervals while the page is seen; a failed refresh keeps the last value.

import { untrack } from "svelte";

/** A fetched value for views. Make it while a component is set up: it ends with the component. */
export class Resource<T> {
  value: T | undefined = $state.raw(undefined);
  error: unknown = $state.raw(null);
  busy: boolean = $state(false);
  readonly #fetch: (signal: AbortSignal) => Promise<T>;
  #running = new AbortController();

  /** `everyMs`: asks again after so long, while the page is seen. */
  constructor(fetch: (signal: AbortSignal) => Promise<T>, everyMs?: number) {
    this.#fetch = fetch;
    $effect(() => {
      untrack(() => void this.load());
      const again = (): void => {
        if (!document.hidden) void this.load();
      };
      const timer = everyMs === undefined ? undefined : setInterval(again, everyMs);
      return () => {
        clearInterval(timer);
        this.#running.abort();
      };
    });
  }

  /** Asks (again); an answer to an older question is dropped. */
  load = async (): Promise<void> => {
    this.#running.abort();
    const running = new AbortController();
    this.#running = running;
    this.busy = true;
    try {
      const value = await this.#fetch(running.signal);
      if (running.signal.aborted) return;
      this.value = value;
      this.error = null;
    } catch (error) {
      if (!running.signal.aborted) this.error = error;
    } finally {
      if (this.#running === running) this.busy = false;
    }
  };
}
