// Pictures onto a canvas: the newest one only, once per display refresh. Every frame is closed. While sound plays,
// a picture waits until its sound does. Sizes follow the pictures, so that a snapshot has all of their pixels.

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

/** A sound that is further behind than this, in microseconds, is not waited for. */
const MAX_WAIT = 400_000;

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
  readonly #held: Picture[] = [];
  readonly #context: OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D | null;
  #drawn: Omit<Picture, "frame"> | null = null;
  /** Presentation time that the speaker has reached, when there is sound. */
  clock: (() => number | null) | null = null;
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
    const limit = this.clock?.() == null ? 1 : MAX_HELD;
    this.#held.push(picture);
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
    if (this.#drawn !== null) this.#events.shown(this.#drawn, now);
    this.#drawn = null;
    const picture = this.#due();
    if (picture !== null) this.#draw(picture);
    return this.#held.length > 0 || this.#drawn !== null;
  }

  #skip(): void {
    const picture = this.#held.shift();
    picture?.frame.close();
    if (picture !== undefined) this.skipped += 1;
  }

  /** The newest picture whose sound plays by now. */
  #due(): Picture | null {
    const clock = this.clock?.() ?? null;
    if (clock !== null) {
      while ((this.#held[1]?.timestamp ?? Number.POSITIVE_INFINITY) <= clock) this.#skip();
      const [first] = this.#held;
      if (first === undefined) return null;
      const ahead = first.timestamp - clock;
      if (ahead > 0 && ahead < MAX_WAIT) return null;
    }
    return this.#held.shift() ?? null;
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
