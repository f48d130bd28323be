// How a person works the page: with a pointer, or with nothing but the keyboard, which has to reach what it works.

import type { Locator, Page } from "playwright-core";

export type Means = "pointer" | "keyboard";

/** A page where the wanted thing comes later than this has no way for a keyboard. */
const MAX_STEPS = 120;

export class Hand {
  readonly #page: Page;
  readonly means: Means;

  constructor(page: Page, means: Means) {
    this.#page = page;
    this.means = means;
  }

  /** Presses a button, follows a link, opens a disclosure. */
  async press(target: Locator): Promise<void> {
    if (this.means === "pointer") {
      return target.click();
    }
    await this.reach(target);
    await this.#page.keyboard.press("Enter");
  }

  /** Turns a switch or ticks a box. */
  async toggle(target: Locator): Promise<void> {
    if (this.means === "pointer") {
      return target.click();
    }
    await this.reach(target);
    await this.#page.keyboard.press("Space");
  }

  /** Writes into a field, in place of what stands there. */
  async write(target: Locator, words: string): Promise<void> {
    if (this.means === "pointer") {
      return target.fill(words);
    }
    await this.reach(target);
    await this.#page.keyboard.press("ControlOrMeta+A");
    await this.#page.keyboard.type(words);
  }

  /** Goes on from where the focus is, by Tab alone, until `target` has it. */
  async reach(target: Locator): Promise<void> {
    await target.waitFor();
    for (let step = 0; step < MAX_STEPS; step += 1) {
      if (await target.evaluate((element) => element === document.activeElement)) {
        return;
      }
      await this.#page.keyboard.press("Tab");
    }
    throw new Error(`no Tab leads to ${target}`);
  }
}
