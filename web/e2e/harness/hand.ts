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

  /** Goes on or back from where the focus is, by Tab alone, until `target` has it. */
  async reach(target: Locator): Promise<void> {
    await target.waitFor();
    if (!(await this.#page.evaluate(() => document.hasFocus()))) {
      // Keys go to the window in front, and another device of this test may have come there.
      await this.#page.bringToFront();
    }
    for (let step = 0; step < MAX_STEPS; step += 1) {
      const way = await target.evaluate((element) => {
        const focused = document.activeElement ?? document.body;
        const before = element.compareDocumentPosition(focused) & Node.DOCUMENT_POSITION_FOLLOWING;
        return element === focused ? "there" : before && focused !== document.body ? "back" : "on";
      });
      if (way === "there") {
        return;
      }
      await this.#page.keyboard.press(way === "back" ? "Shift+Tab" : "Tab");
    }
    throw new Error(`no Tab leads to ${target}`);
  }
}
