// Sound without clicks: where it starts, stops or is cut, what was heard last fades into what is heard next.

/** How long that takes, in milliseconds: shorter is heard as a click, longer as a fade. */
const FADE_MS = 6;

/** Joins pieces of sound that do not follow each other. */
export class Seam {
  readonly #last: number[] = [];
  readonly #leap: number[] = [];
  #cut = false;
  #left = 0;
  #length = 1;

  /** The next sample does not follow the last one. */
  cut(): void {
    this.#cut = true;
  }

  /** Smooths one sample of each channel, in place at `at`; `rate` of them make a second. */
  join(out: readonly Float32Array[], at: number, rate: number): void {
    if (this.#cut) this.#begin(out, at, rate);
    const part = this.#left / this.#length;
    const share = part * part * (3 - 2 * part);
    for (const [index, channel] of out.entries()) {
      const value = (channel[at] ?? 0) + (this.#leap[index] ?? 0) * share;
      channel[at] = value;
      this.#last[index] = value;
    }
    if (this.#left > 0) this.#left -= 1;
  }

  #begin(out: readonly Float32Array[], at: number, rate: number): void {
    this.#cut = false;
    this.#length = Math.max(1, Math.round((rate * FADE_MS) / 1_000));
    this.#left = this.#length;
    for (const [index, channel] of out.entries()) {
      this.#leap[index] = (this.#last[index] ?? 0) - (channel[at] ?? 0);
    }
  }
}
