// Pictures onto a canvas: the newest one only, once per display refresh. Every frame is closed. Where sound is far
// behind, a picture waits for it (`sync.ts`). Sizes follow the pictures, so that a snapshot has all of their pixels.

import type { SoundSide } from "./sync.ts";
import { waits } from "./sync.ts";

/** A decoded picture and what is known of it. */
export interface Picture {
  readonly frame: VideoFrame;
  /** When the camera captured it, in milliseconds since 1970. */
  readonly captured: number;
  /** It is of now, not of a past that is caught up with. */
  readonly current: boolean;
  /** Presentation time in microseconds. */
  readonly timestamp: number;
}

/** Pictures that wait for their sound; decoders have few to lend. */
const MAX_HELD = 4;

interface Held {
  readonly picture: Picture;
  /** When it came, in milliseconds of the page's own time. */
  readonly since: number;
}

/** Where pictures are drawn. */
export type Surface = OffscreenCanvas | HTMLCanvasElement;

/** One animation loop for all painters of a worker or page; it rests while nobody has a picture. */
export class FrameLoop {
  readonly #painters = new Set<Painter>();
  #asked = false;

  /** `painter` has something to draw. */
  want(painter: Painter): void {
    this.#painters.add(painter);
    this.#ask();
  }

  forget(painter: Painter): void {
    this.#painters.delete(painter);
  }

  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      const now = performance.now();
      for (const painter of this.#painters) {
        if (!painter.tick(now)) this.#painters.delete(painter);
      }
      if (this.#painters.size > 0) this.#ask();
    });
  }
}

export interface PainterEvents {
  /** It was drawn. */
  painted(picture: Omit<Picture, "frame">, shape: { width: number; height: number }): void;
  /** It is on the screen, as far as a program can know: the refresh after it was drawn. */
  shown(picture: Omit<Picture, "frame">, at: number): void;
}

/** Draws one tile. */
export class Painter {
  readonly #surface: Surface;
  readonly #loop: FrameLoop;
  readonly #events: PainterEvents;
  readonly #held: Held[] = [];
  readonly #context: OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D | null;
  #drawn: Omit<Picture, "frame"> | null = null;
  /** The sound of these pictures, while there is any. */
  sound: SoundSide | null = null;
  /** Pictures that were decoded and never drawn. */
  skipped = 0;

  constructor(surface: Surface, loop: FrameLoop, events: PainterEvents) {
    this.#surface = surface;
    this.#loop = loop;
    this.#events = events;
    const options = { alpha: false } as const;
    this.#context = surface.getContext("2d", options) as OffscreenCanvasRenderingContext2D | null;
  }

  /** Takes a picture; it is drawn at the next refresh unless a newer one comes. */
  show(picture: Picture): void {
    const limit = this.sound === null ? 1 : MAX_HELD;
    this.#held.push({ picture, since: performance.now() });
    while (this.#held.length > limit) this.#skip();
    this.#loop.want(this);
  }

  /** Lets go of everything that waits. */
  clear(): void {
    while (this.#held.length > 0) this.#skip();
  }

  close(): void {
    this.clear();
    this.#loop.forget(this);
  }

  /** One display refresh; gives whether it wants another one. */
  tick(now: number): boolean {
    if (this.#drawn !== null) {
      this.sound?.seen(this.#drawn.timestamp);
      this.#events.shown(this.#drawn, now);
    }
    this.#drawn = null;
    const picture = this.#due(now);
    if (picture !== null) this.#draw(picture);
    return this.#held.length > 0 || this.#drawn !== null;
  }

  #skip(): void {
    const held = this.#held.shift();
    held?.picture.frame.close();
    if (held !== undefined) this.skipped += 1;
  }

  /** The newest picture that waits for nothing; when there is no room for another one, the oldest. */
  #due(now: number): Picture | null {
    const waiting = this.#held.findIndex((held) => this.#waits(held, now));
    const due = waiting < 0 ? this.#held.length : waiting;
    for (let at = 1; at < due; at += 1) this.#skip();
    if (due === 0 && this.#held.length < MAX_HELD) return null;
    return this.#held.shift()?.picture ?? null;
  }

  #waits({ picture, since }: Held, now: number): boolean {
    const soundMs = this.sound?.dueMs(picture.timestamp) ?? null;
    if (soundMs === null) return false;
    const ageMs = performance.timeOrigin + now - picture.captured;
    return waits({ soundMs, ageMs, waitedMs: now - since });
  }

  #draw({ frame, ...rest }: Picture): void {
    const [width, height] = [frame.displayWidth, frame.displayHeight];
    try {
      if (this.#surface.width !== width) this.#surface.width = width;
      if (this.#surface.height !== height) this.#surface.height = height;
      this.#context?.drawImage(frame, 0, 0, width, height);
    } finally {
      frame.close();
    }
    this.#drawn = rest;
    this.#events.painted(rest, { width, height });
  }
}
