// Somebody at the playback page: the picture, the timeline, the controls.

import type { Locator } from "playwright-core";
import type { Person } from "./person.ts";
import { savedBy } from "./saved.ts";
import { type Stamp, stampOf } from "./stamp.ts";
import { until } from "./wait.ts";
import { startOf, text } from "./words.ts";

export class Watcher {
  readonly #person: Person;

  constructor(person: Person) {
    this.#person = person;
  }

  /** The picture of the camera of this name. */
  picture(camera: string): Locator {
    const name = text("playback.picture", { camera });
    return this.#person.page.getByRole("img", { name, exact: true }).locator("canvas");
  }

  get timeline(): Locator {
    return this.#person.page.getByRole("slider", { name: text("timeline.label"), exact: true });
  }

  /** Waits for a picture with a stamp that `fits`. */
  stamp(camera: string, fits: (stamp: Stamp) => boolean = () => true): Promise<Stamp> {
    return until("a picture that fits", async () => {
      const stamp = await stampOf(this.picture(camera));
      return stamp && fits(stamp) && stamp;
    });
  }

  /** Exports the stretch that the page proposes; gives the files of video and proof. */
  async export(folder: string): Promise<string> {
    const { page } = this.#person;
    await this.#person.press("playback.select");
    await this.#person.press("playback.export");
    const start = page.getByRole("dialog").getByRole("button", { name: text("export.start") });
    await this.#person.hand.press(start);
    const video = page.getByRole("button", { name: startOf("export.video") });
    await video.waitFor({ timeout: 60_000 });
    const file = await this.#save(video, folder);
    await this.#save(this.#person.button("export.proof"), folder);
    await this.#person.press("ui.done");
    return file;
  }

  #save(button: Locator, folder: string): Promise<string> {
    return savedBy(this.#person.page, folder, () => this.#person.hand.press(button));
  }

  /** Waits until the picture stands still, and gives its stamp. */
  async still(camera: string): Promise<Stamp> {
    let last = await this.stamp(camera);
    let since = performance.now();
    return until("a picture that stands still", async () => {
      const now = await this.stamp(camera);
      if (now.frame !== last.frame) {
        [last, since] = [now, performance.now()];
      }
      return performance.now() - since > 700 && now;
    });
  }

  /** The moment of the timeline in milliseconds, to a second. */
  async moment(): Promise<number> {
    return Number(await this.timeline.getAttribute("aria-valuenow")) * 1_000;
  }

  /** Zooms until the timeline shows little more than ten seconds. */
  async zoomIn(): Promise<void> {
    if (this.#person.hand.means === "keyboard") {
      return this.key("+", 12);
    }
    for (let step = 0; step < 12; step += 1) {
      await this.#person.press("timeline.zoom-in");
    }
  }

  /** Drags the timeline's content by so many pixels, and stops before it lets go, so that nothing coasts. */
  async drag(dx: number, whileHeld: () => Promise<void> = async () => undefined): Promise<void> {
    const box = await this.timeline.boundingBox();
    if (!box) {
      throw new Error("the timeline has no place on the screen");
    }
    const { mouse } = this.#person.page;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await mouse.move(x, y);
    await mouse.down();
    await mouse.move(x + dx, y, { steps: 12 });
    await whileHeld();
    await this.#person.page.waitForTimeout(150);
    await mouse.up();
  }

  /** Moves by keys alone. */
  async key(name: string, times = 1): Promise<void> {
    await this.#person.hand.reach(this.timeline);
    for (let press = 0; press < times; press += 1) {
      await this.#person.page.keyboard.press(name);
    }
  }

  /** Chooses a speed. */
  async speed(factor: number): Promise<void> {
    const select = this.#person.page.getByRole("combobox", {
      name: text("playback.speed"),
      exact: true,
    });
    const label = text("playback.speed-of", { speed: factor });
    if (this.#person.hand.means === "pointer") {
      await select.selectOption({ label });
      return;
    }
    await this.#person.hand.reach(select);
    // A closed list takes the letters of its options.
    await this.#person.page.keyboard.type(label);
  }
}
