// The sound of a tile: off, on, or asked for and not to be played here. Only what happens now is heard.

import { Speaker } from "../media/sound.ts";
import type { SoundSide } from "../media/sync.ts";
import type { RunSound } from "./run.ts";

export class TileSound {
  readonly #changed: () => void;
  #speaker: Speaker | null = null;
  #fails = false;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get state(): "off" | "on" | "fails" {
    if (this.#fails) return "fails";
    return this.#speaker === null ? "off" : "on";
  }

  /** Plays through `port`, or nothing. Gives what pictures know of their sound. */
  set(port: MessagePort | null): SoundSide | null {
    this.#speaker?.close();
    this.#fails = false;
    this.#speaker = port === null ? null : new Speaker(port, { decodes: (yes) => this.#on(yes) });
    return this.#speaker;
  }

  push(sound: RunSound): void {
    if (sound.current) this.#speaker?.push(sound);
  }

  /** What comes now does not follow what came. */
  clear(): void {
    this.#speaker?.clear();
  }

  close(): void {
    this.#speaker?.close();
  }

  #on(decodes: boolean): void {
    this.#fails = !decodes;
    this.#changed();
  }
}
