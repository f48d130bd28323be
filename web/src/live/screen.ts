// Where a tile's pictures go: a canvas in the worker, or, as sealed-open access units in an MP4, the browser's own
// player in the page.

import type { Picture } from "../media/painter.ts";
import { FrameLoop, Painter } from "../media/painter.ts";
import type { SoundSide } from "../media/sync.ts";
import { localNow } from "./clock.ts";
import type { RunSound, RunUnit } from "./run.ts";

/** A tile's screen. */
export interface Screen {
  /** Whether it wants pictures; else units and sound. */
  readonly decodes: boolean;
  /** Pictures that were decoded and never drawn. */
  readonly skipped: number;
  /** Told when a picture was drawn: its local time of capture, whether it is of now, its size. */
  painted: (captured: number, current: boolean, size: Size) => void;
  /** Told when it is on the screen. */
  shown: (captured: number, at: number) => void;
  picture(picture: Picture): void;
  unit(unit: RunUnit): void;
  sound(sound: RunSound): void;
  /** Pictures keep together with this sound. */
  follow(sound: SoundSide | null): void;
  /** A PNG of what is on the screen. */
  snapshot(): Promise<Blob | null>;
  close(): void;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** After this time of pictures of now, in milliseconds, a picture that is not drawn is a loss. */
const SETTLED_MS = 1_000;

const loop = new FrameLoop();

/** Draws on a canvas. */
export class CanvasScreen implements Screen {
  readonly decodes = true;
  readonly #canvas: OffscreenCanvas;
  readonly #painter: Painter;
  #skippedBefore = 0;
  #currentSince: number | null = null;
  painted: Screen["painted"] = () => undefined;
  shown: Screen["shown"] = () => undefined;

  constructor(canvas: OffscreenCanvas) {
    this.#canvas = canvas;
    this.#painter = new Painter(canvas, loop, {
      painted: ({ captured, current }, size) => this.painted(captured, current, size),
      shown: ({ captured, current }) => {
        if (current) this.shown(captured, localNow());
      },
    });
  }

  get skipped(): number {
    return this.#painter.skipped - this.#skippedBefore;
  }

  picture(picture: Picture): void {
    const now = localNow();
    this.#currentSince = picture.current ? (this.#currentSince ?? now) : null;
    const before = this.#painter.skipped;
    this.#painter.show(picture);
    // What is skipped while catching up is no loss.
    const settled = this.#currentSince !== null && now - this.#currentSince > SETTLED_MS;
    if (!settled) this.#skippedBefore += this.#painter.skipped - before;
  }

  unit(): void {
    // Pictures are decoded before they come here.
  }

  sound(): void {
    // Goes to the speaker.
  }

  follow(sound: SoundSide | null): void {
    this.#painter.sound = sound;
  }

  snapshot(): Promise<Blob | null> {
    return this.#canvas.convertToBlob({ type: "image/png" });
  }

  close(): void {
    this.#painter.close();
  }
}
