// Figures of what is shown: pictures and bits a second, and how old a picture is when it reaches the screen.

/** Pictures whose age is remembered. */
const KEPT = 120;

/** Time over which rates are taken, in milliseconds. */
const SPAN_MS = 4_000;

export class Stats {
  #ages: number[] = [];
  #shown: number[] = [];
  #bytes: { at: number; total: number }[] = [];
  shown = 0;

  /** A picture reached the screen at `now`; it was captured `age` milliseconds before. */
  picture(age: number, now: number): void {
    this.shown += 1;
    this.#ages.push(age);
    if (this.#ages.length > KEPT) this.#ages.shift();
    this.#shown.push(now);
    while ((this.#shown[0] ?? now) < now - SPAN_MS) this.#shown.shift();
  }

  /** `total` bytes came so far. */
  bytes(total: number, now: number): void {
    this.#bytes.push({ at: now, total });
    while ((this.#bytes[0]?.at ?? now) < now - SPAN_MS) this.#bytes.shift();
  }

  /** Starts anew: another rendition, or a hole. */
  reset(): void {
    this.#ages = [];
    this.#shown = [];
    this.#bytes = [];
  }

  get picturesPerS(): number {
    return rate(this.#shown.length - 1, this.#shown[0], this.#shown.at(-1));
  }

  get bitsPerS(): number {
    const [first, last] = [this.#bytes[0], this.#bytes.at(-1)];
    return rate(((last?.total ?? 0) - (first?.total ?? 0)) * 8, first?.at, last?.at);
  }

  /** The age below which `part` of the last pictures are; `null` without any. */
  age(part: number): number | null {
    const sorted = [...this.#ages].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? null;
  }
}

function rate(count: number, from = 0, to = 0): number {
  return to > from ? (count * 1_000) / (to - from) : 0;
}
