// What people do in the app, by the roles and names that they see and hear. Each step waits for what the app shows next.

import type { Locator, Page } from "playwright-core";
import { Hand, type Means } from "./hand.ts";
import type { Visitor } from "./visitor.ts";
import { anyText, type Key, startOf, text } from "./words.ts";

/** Whether a passkey is made at the end of a way in. */
export type Passkey = "passkey" | "none";

export class Person {
  readonly visitor: Visitor;
  readonly page: Page;
  readonly hand: Hand;

  constructor(visitor: Visitor, means: Means = "pointer") {
    this.visitor = visitor;
    this.page = visitor.page;
    this.hand = new Hand(visitor.page, means);
  }

  button(key: Key): Locator {
    return this.page.getByRole("button", { name: text(key), exact: true });
  }

  link(key: Key): Locator {
    return this.page.getByRole("link", { name: text(key), exact: true });
  }

  field(key: Key): Locator {
    return this.page.getByRole("textbox", { name: text(key), exact: true });
  }

  heading(key: Key): Locator {
    return this.page.getByRole("heading", { name: text(key), exact: true });
  }

  press(key: Key): Promise<void> {
    return this.hand.press(this.button(key));
  }

  // -- Ways in.

  /** Claims a gateway by its link; gives the 24 words. */
  async claim(link: string, passkey: Passkey): Promise<string[]> {
    await this.page.goto(link);
    await this.press("entry.begin");
    await this.hand.write(this.field("entry.your-name"), "Olivia");
    await this.press("ui.continue");
    const words = await this.#words();
    await this.press("entry.words-written");
    await this.#confirm(words);
    await this.press("entry.claim-now");
    await this.heading("entry.passkey-first").waitFor();
    await this.#keep(passkey);
    return words;
  }

  /** Reads the words from the screen. */
  async #words(): Promise<string[]> {
    const items = this.page.getByRole("list", { name: text("entry.words") }).getByRole("listitem");
    await items.nth(23).waitFor();
    const lines = await items.allInnerTexts();
    return lines.map((line) => line.match(/[a-z]+/)?.[0] ?? "");
  }

  /** Types the words that are asked for. */
  async #confirm(words: readonly string[]): Promise<void> {
    const asked = this.page.getByRole("textbox", { name: anyText("entry.word-n") });
    await asked.first().waitFor();
    for (const field of await asked.all()) {
      const label = await field.evaluate(
        (input) => (input as HTMLInputElement).labels?.[0]?.innerText,
      );
      const place = Number(anyText("entry.word-n").exec(label?.trim() ?? "")?.[1]);
      await this.hand.write(field, words[place - 1] ?? "");
    }
  }

  /** Makes a passkey, or stays signed in for as long as the tab is open. */
  async #keep(passkey: Passkey): Promise<void> {
    await this.press(passkey === "passkey" ? "entry.passkey-make" : "entry.passkey-later");
  }

  /** Adds the cameras that the gateway was started with, and comes to the live page. */
  async addSuggested(): Promise<void> {
    await this.press("entry.suggested-add");
    await this.link("nav.live").waitFor();
  }

  /** Signs in with the words at a browser that has no account, and stays at `path` if it is one behind the way in. */
  async signInWithWords(words: string, passkey: Passkey, path = "/sign-in"): Promise<void> {
    await this.visitor.go(path);
    await this.openDetails("entry.by-words");
    await this.hand.write(this.field("entry.the-words"), words);
    await this.press("entry.sign-in-words");
    if (path === "/sign-in") {
      await this.heading("entry.passkey").waitFor();
      await this.#keep(passkey);
    }
    await this.link("nav.live").waitFor();
  }

  /** Signs in with a passkey that came along to this device. */
  async signInWithPasskey(): Promise<void> {
    await this.visitor.go("/sign-in");
    await this.press("entry.sign-in-passkey");
    await this.link("nav.live").waitFor();
  }

  /** Opens the invitation of another device. */
  async join(link: string, deviceName: string, passkey: Passkey): Promise<void> {
    await this.page.goto(link);
    await this.hand.write(this.field("entry.device-name"), deviceName);
    await this.press("entry.join-now");
    await this.heading("entry.passkey").waitFor();
    await this.#keep(passkey);
    await this.link("nav.live").waitFor();
  }

  // -- Locking.

  async lock(): Promise<void> {
    await this.press("nav.lock");
    await this.heading("lock.title").waitFor();
  }

  async unlock(): Promise<void> {
    await this.press("lock.unlock");
    await this.link("nav.live").waitFor();
  }

  // -- Going around.

  /** Follows the way around at the edge of the screen. */
  async visit(key: "nav.live" | "nav.playback" | "nav.cameras" | "nav.settings"): Promise<void> {
    await this.hand.press(this.link(key));
  }

  /** Opens a part of the settings. */
  async settings(
    key: "settings.devices" | "settings.storage" | "settings.security",
  ): Promise<void> {
    await this.visit("nav.settings");
    await this.hand.press(this.page.getByRole("link", { name: startOf(key) }));
    await this.page.getByRole("heading", { name: text(key), level: 1 }).waitFor();
  }

  /** Makes an invitation, and gives its link as it was copied. */
  async invite(): Promise<string> {
    await this.settings("settings.devices");
    await this.press("settings.device-add");
    await this.page.getByRole("img", { name: text("settings.invite-qr") }).waitFor();
    await this.press("settings.invite-copy");
    await this.page.getByText(text("settings.invite-copied")).waitFor();
    const link = await this.page.evaluate(() => navigator.clipboard.readText());
    await this.press("ui.done");
    return link;
  }

  /** Calls the device of this name otherwise. */
  async renameDevice(name: string, to: string): Promise<void> {
    await this.settings("settings.devices");
    const rename = text("settings.device-rename-of", { name });
    await this.hand.press(this.page.getByRole("button", { name: rename, exact: true }));
    await this.hand.write(this.field("settings.name"), to);
    await this.page.keyboard.press("Enter");
    await this.page
      .getByText(text("settings.device-renamed", { name: to }))
      .first()
      .waitFor();
  }

  /** Calls the passkey of this name otherwise, by Enter in the field; on the page of devices and passkeys. */
  async renamePasskey(name: string, to: string): Promise<void> {
    const rename = text("settings.passkey-rename-of", { name });
    await this.hand.press(this.page.getByRole("button", { name: rename, exact: true }));
    await this.hand.write(this.field("settings.name"), to);
    await this.page.keyboard.press("Enter");
    const renamed = text("settings.passkey-renamed", { name: to });
    await this.page.getByText(renamed).first().waitFor();
  }

  /** Takes the device of this name off the household. */
  async removeDevice(name: string): Promise<void> {
    await this.settings("settings.devices");
    const remove = text("settings.device-remove-of", { name });
    await this.hand.press(this.page.getByRole("button", { name: remove, exact: true }));
    const dialog = this.page.getByRole("dialog");
    const sure = text("settings.device-remove");
    await this.hand.press(dialog.getByRole("button", { name: sure, exact: true }));
    await this.page.getByText(text("settings.device-removed", { name })).first().waitFor();
  }

  // -- Pictures.

  /** The live picture of the camera of this name. */
  live(name: string): Locator {
    return this.page.getByRole("img", { name: text("live.picture", { name }), exact: true });
  }

  /** Opens a camera from the grid. */
  async openLarge(name: string): Promise<void> {
    const tile = this.page.getByRole("link", { name: text("live.open", { name }), exact: true });
    await this.hand.press(tile);
    await this.page.getByRole("heading", { name, level: 1 }).waitFor();
  }

  /** Opens a disclosure. */
  async openDetails(key: Key): Promise<void> {
    await this.hand.press(this.page.locator("summary", { hasText: text(key) }));
  }
}
