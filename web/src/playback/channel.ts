// A queue between what fetches and what decodes, with a limit on what waits in it: the sender waits when it
// is full, the receiver when it is empty, and both end when it is closed.

/** A bounded queue of `T`. */
export class Channel<T> {
  #limit: number;
  readonly #items: { value: T; weight: number }[] = [];
  #weight = 0;
  #closed = false;
  #failure: unknown = null;
  #wakeReceiver: (() => void) | null = null;
  #wakeSender: (() => void) | null = null;

  /** Holds items of `limit` weight together, and always at least one. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What waits, by weight. */
  get weight(): number {
    return this.#weight;
  }

  /** Lets items of `limit` weight together wait from now on. */
  set limit(limit: number) {
    this.#limit = limit;
    this.#wakeSender?.();
  }

  /** Adds an item, once there is room; gives `false` when nobody receives any more. */
  async send(value: T, weight: number): Promise<boolean> {
    while (!this.#closed && this.#weight > 0 && this.#weight + weight > this.#limit) {
      await new Promise<void>((wake) => {
        this.#wakeSender = wake;
      });
    }
    if (this.#closed) return false;
    this.#items.push({ value, weight });
    this.#weight += weight;
    this.#wake();
    return true;
  }

  /** The next item; `null` when it was closed and is empty. Rejects when the sender failed. */
  async receive(): Promise<T | null> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        this.#weight -= item.weight;
        this.#wakeSender?.();
        return item.value;
      }
      if (this.#failure !== null) throw this.#failure;
      if (this.#closed) return null;
      await new Promise<void>((wake) => {
        this.#wakeReceiver = wake;
      });
    }
  }

  /** Ends it; what waits can still be received. */
  close(): void {
    this.#closed = true;
    this.#wake();
    this.#wakeSender?.();
  }

  /** Ends it with an error. */
  fail(error: unknown): void {
    this.#failure = error;
    this.close();
  }

  #wake(): void {
    this.#wakeReceiver?.();
    this.#wakeReceiver = null;
  }
}
