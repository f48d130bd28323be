// The state of the playback page: which cameras play in step, where the clock is, what is known of recordings and
// of their authenticity. Everything that is shown hangs on it; keys and pictures stay in the worker.

import type { Unlocked } from "../account/session.ts";
import type { Camera } from "../api/documents.ts";
import type { CameraId } from "../domain/id.ts";
import type { Row } from "../timeline/draw.ts";
import type { Bounds } from "../timeline/timeline.ts";
import type { Speed } from "./clock.ts";
import type { PlaybackView } from "./engine.ts";
import { PlaybackEngine } from "./engine.ts";
import type { ToldGap } from "./gaps.ts";
import type { Fault, Marks } from "./marks.ts";
import type { ClockState, ViewState } from "./protocol.ts";
import { Recordings } from "./recordings.ts";

/** Cameras that play at once. */
export const MAX_CAMERAS = 4;

/** The recorder may lag behind live by this long, in milliseconds. */
const ROLLED_BACK_MS = 30_000;

/** How often the present is looked at, in milliseconds. The index asks for the live end less often. */
const REFRESH_MS = 1_000;

/** What is known before the clock was first told of. */
const STOPPED: ClockState = { timeMs: 0, playing: false, held: false, speed: 1, ended: false };

/** A camera on the page. */
export interface Shown {
  readonly camera: Camera;
  view: PlaybackView | null;
  state: ViewState | null;
  marks: Marks | null;
}

/** A leap over a stretch in which nothing was recorded. */
export interface Skip {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The page's state. */
export class Player {
  readonly cameras: readonly Camera[];
  readonly engine: PlaybackEngine;
  readonly #session: Unlocked;
  readonly #recordings: Recordings;
  readonly #timer: ReturnType<typeof setInterval>;
  #toldAt = 0;
  #window = { fromMs: 0, toMs: 0 };

  shown: readonly Shown[] = $state.raw([]);
  clock: ClockState = $state.raw(STOPPED);
  nowMs: number = $state(Date.now());
  oldestMs: number = $state(Date.now() - 86_400_000);
  /** Grows when something that the timeline draws has changed. */
  version: number = $state(0);
  skip: Skip | null = $state.raw(null);
  problem: string | null = $state(null);

  constructor(session: Unlocked, cameras: readonly Camera[], timeMs: number) {
    this.#session = session;
    this.#recordings = new Recordings(session, () => {
      this.version += 1;
    });
    this.cameras = cameras;
    this.clock = { ...STOPPED, timeMs };
    this.engine = new PlaybackEngine(session, {
      clock: (clock) => this.#onClock(clock),
      skipped: (fromMs, toMs) => this.#onSkipped({ fromMs, toMs }),
      failed: (problem) => {
        this.problem = problem;
      },
    });
    this.engine.seek(timeMs);
    this.#timer = setInterval(() => this.#refresh(), REFRESH_MS);
  }

  get bounds(): Bounds {
    return { fromMs: Math.min(this.oldestMs, this.nowMs - 60_000), toMs: this.nowMs };
  }

  /** The moment that is shown, between two messages of the worker as well. */
  readonly timeMs = (): number => {
    const { timeMs, playing, held, speed } = this.clock;
    if (!playing || held) return timeMs;
    return Math.min(Date.now(), timeMs + (performance.now() - this.#toldAt) * speed);
  };

  /** Puts a camera on the page. */
  add(camera: Camera): void {
    const known = this.shown.some((each) => each.camera.id === camera.id);
    if (known || this.shown.length >= MAX_CAMERAS) return;
    this.shown = [...this.shown, { camera, view: null, state: null, marks: null }];
    void this.#findOldest(camera);
    this.version += 1;
  }

  remove(camera: Camera): void {
    this.shown = this.shown.filter((each) => each.camera.id !== camera.id);
    this.version += 1;
  }

  /** A camera's canvas is there. */
  attach(camera: Camera, canvas: HTMLCanvasElement): () => void {
    const view = this.engine.open({
      camera,
      canvas,
      events: {
        state: (state) => this.#change(camera.id, { state }),
        marks: (marks) => this.#change(camera.id, { marks }),
      },
    });
    this.#change(camera.id, { view });
    return () => view.close();
  }

  play(playing: boolean): void {
    this.skip = null;
    this.clock = { ...this.clock, timeMs: this.timeMs(), playing };
    this.#toldAt = performance.now();
    this.engine.play(playing);
  }

  setSpeed(speed: Speed): void {
    this.engine.setSpeed(speed);
    this.clock = { ...this.clock, timeMs: this.timeMs(), speed };
    this.#toldAt = performance.now();
  }

  seek(timeMs: number): void {
    this.skip = null;
    this.#jump(timeMs);
    this.engine.seek(timeMs);
  }

  /** Jumps by so many milliseconds, not beyond what there is. */
  leap(ms: number): void {
    const { fromMs } = this.bounds;
    this.seek(Math.min(Date.now(), Math.max(fromMs, this.timeMs() + ms)));
  }

  scrub(timeMs: number): void {
    this.skip = null;
    this.#jump(timeMs);
    this.engine.scrub(timeMs);
  }

  step(direction: 1 | -1): void {
    this.skip = null;
    this.engine.step(direction);
  }

  /** What the timeline draws of `fromMs … toMs`; asks for what is missing. */
  readonly rows = (fromMs: number, toMs: number): readonly Row[] => {
    this.#window = { fromMs, toMs };
    return this.shown.map(({ camera, marks }) => {
      const { spans, complete } = this.#recordings.within(camera, fromMs, toMs);
      return { name: camera.name, spans, marks: marks?.all ?? [], isLoading: !complete };
    });
  };

  /** Signed gaps of a camera in a hole; asked for once. */
  gaps(row: number, fromMs: number, toMs: number): Promise<readonly ToldGap[]> {
    const shown = this.shown[row];
    if (shown?.view == null) return Promise.resolve([]);
    return this.#recordings.reasons(shown.view, shown.camera, { fromMs, toMs });
  }

  /** The hole of a camera in which `timeMs` lies, as far as is known. */
  holeAt(row: number, timeMs: number): Skip | null {
    const shown = this.shown[row];
    return shown === undefined ? null : this.#recordings.holeAt(shown.camera, timeMs);
  }

  /** What is wrong with any camera's recording between these. */
  faultWithin(fromMs: number, toMs: number): Fault | null {
    for (const { marks } of this.shown) {
      const fault = marks?.faultWithin(fromMs, toMs) ?? null;
      if (fault !== null) return fault;
    }
    return null;
  }

  /** Whether a camera's recordings end before what this device has seen of them: they were rolled back. */
  isRolledBack(camera: Camera, state: ViewState | null): boolean {
    if (state?.shows.kind !== "gap" || state.shows.toMs !== null) return false;
    const seen = this.#session.floor(camera.id, state.plan.rendition);
    if (seen === undefined || state.lastSigned === null) return false;
    return Number(seen.time) > state.lastSigned + ROLLED_BACK_MS;
  }

  close(): void {
    clearInterval(this.#timer);
    this.engine.close();
  }

  #jump(timeMs: number): void {
    this.clock = { ...this.clock, timeMs, ended: false };
    this.#toldAt = performance.now();
    this.version += 1;
  }

  #onClock(clock: ClockState): void {
    this.clock = clock;
    this.#toldAt = performance.now();
    if (!clock.playing) this.version += 1;
  }

  #onSkipped(skip: Skip): void {
    this.skip = skip;
  }

  #change(id: CameraId, change: Partial<Shown>): void {
    this.shown = this.shown.map((each) => (each.camera.id === id ? { ...each, ...change } : each));
    if ("marks" in change) this.version += 1;
  }

  #refresh(): void {
    this.nowMs = Date.now();
    const { fromMs, toMs } = this.#window;
    if (toMs < this.nowMs - 120_000) return;
    for (const { camera } of this.shown) this.#recordings.ask(camera, fromMs, toMs);
  }

  async #findOldest(camera: Camera): Promise<void> {
    const first = await this.#recordings.oldestMs(camera);
    if (first !== null && first < this.oldestMs) this.oldestMs = first;
  }
}
