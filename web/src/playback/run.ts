// One run over a stream: from a moment on, at one plan, until it is ended. It joins loader, line and decoder
// and gives pictures to a shelf, never further ahead of the clock than they are needed.

import { SealedError } from "../domain/errors.ts";
import type { SiteId } from "../domain/id.ts";
import type { DecodeProblem } from "../media/decoder.ts";
import { PictureDecoder } from "../media/decoder.ts";
import type { RecordedRequest } from "../sealed/recorded.ts";
import { RecordedOpener } from "../sealed/recorded.ts";
import type { Frame, SegmentHeader } from "../sealed/segment.ts";
import type { VideoConfig } from "../sealed/track.ts";
import { Channel } from "./channel.ts";
import type { EpochStore } from "./epochs.ts";
import type { FetchAll } from "./keys.ts";
import { loadKeys } from "./keys.ts";
import type { Lines } from "./line.ts";
import { Line } from "./line.ts";
import type { Fetch, Loaded } from "./loader.ts";
import { Loader } from "./loader.ts";
import type { Plan } from "./plan.ts";
import type { SegmentIndex, Stream } from "./segments.ts";
import type { Shelf } from "./shelf.ts";
import { micros } from "./shelf.ts";
import type { Witness } from "./witness.ts";

/** Sealed bytes that are fetched ahead of what is decoded while the clock runs. */
const FETCHED_AHEAD = 6 * 1024 * 1024;

/** The same before it has moved: whoever jumps around waits for no work that nobody wants. */
const FETCHED_STANDING = 1024 * 1024;

/** Keyframes that are fetched at once. */
const KEYS_AHEAD = 5;

/** Pictures that are decoded ahead of the clock. */
const DECODED_AHEAD = 6;

/** A stretch without pictures, in milliseconds since 1970. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a run works with. */
export interface RunParts {
  readonly stream: Stream;
  readonly site: SiteId;
  readonly index: SegmentIndex;
  readonly epochs: EpochStore;
  readonly witness: Witness;
  readonly fetch: Fetch;
  readonly fetchAll: FetchAll;
  readonly shelf: Shelf<VideoFrame>;
  readonly lines: Lines;
  readonly plan: Plan;
  /** The moment that is shown, in milliseconds since 1970. */
  readonly clock: () => number;
  /** Something changed: a picture came, or the end. */
  readonly wake: () => void;
  readonly problem: (problem: DecodeProblem) => void;
  readonly segment: (header: SegmentHeader) => void;
  readonly video: (config: VideoConfig) => void;
  /** Sound of the run, at its time in microseconds; `null` when nobody listens. */
  readonly sound: (frame: Frame, timeUs: number) => void;
}

/** What a run needs to open segments. */
export function requestOf(parts: Pick<RunParts, "site" | "stream" | "epochs">): RecordedRequest {
  const { site, stream, epochs } = parts;
  return { site, ...stream, epoch: (id) => epochs.open(id) };
}

/** A run. */
export class Run {
  readonly #parts: RunParts;
  readonly #abort = new AbortController();
  readonly #line: Line;
  readonly #decoder: PictureDecoder;
  #channel: Channel<Loaded>;
  #config: VideoConfig | null = null;
  /** A frame was left out: nothing before the next keyframe can be decoded. */
  #broken = false;
  #tick: (() => void) | null = null;
  /** Where the clock stood; `null` once it has moved. */
  #began: number | null;
  /** Stretches of this run without pictures. */
  readonly gaps: Stretch[] = [];
  /** The end of what is recorded, once it was reached. */
  endMs: number | null = null;
  failure: unknown = null;
  done = false;

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.#line = new Line(parts.lines);
    const keys = parts.plan.frames === "keys";
    this.#channel = new Channel(keys ? KEYS_AHEAD : FETCHED_STANDING);
    this.#began = parts.clock();
    this.#decoder = new PictureDecoder({
      picture: (frame) => this.#picture(frame),
      problem: parts.problem,
    });
  }

  /** Whether everything that came is decoded. */
  get isIdle(): boolean {
    return this.#channel.weight === 0 && this.#decoder.waiting === 0;
  }

  /** Runs from the keyframe before `timeMs` until it is ended. */
  async play(timeMs: number): Promise<void> {
    try {
      await this.#play(timeMs);
    } catch (error) {
      if (!this.#abort.signal.aborted) this.failure = error;
    } finally {
      this.done = true;
      this.#parts.wake();
    }
  }

  /** Pictures may have left the shelf. */
  tick(): void {
    const { plan, clock } = this.#parts;
    if (this.#began !== null && this.#began !== clock()) {
      this.#began = null;
      if (plan.frames === "all") this.#channel.limit = FETCHED_AHEAD;
    }
    this.#tick?.();
    this.#tick = null;
  }

  end(): void {
    this.#abort.abort();
    this.#channel.close();
    this.#decoder.close();
    this.tick();
  }

  async #play(timeMs: number): Promise<void> {
    const { index, plan, witness, wake } = this.#parts;
    const { signal } = this.#abort;
    // Behind the end of all recordings the last picture is shown.
    const first = (await index.at(timeMs)) ?? (await index.lastBefore(timeMs));
    if (signal.aborted) return;
    if (first === null) {
      this.endMs = timeMs;
      return wake();
    }
    if (first.startMs > timeMs) this.gaps.push({ fromMs: timeMs, toMs: first.startMs });
    const parts = { ...this.#parts, out: this.#channel, signal };
    const request = requestOf(this.#parts);
    const key = (await index.keyBefore(first)) ?? first;
    if (plan.frames === "keys") {
      loadKeys(key, { ...parts, request, fetch: this.#parts.fetchAll });
    } else {
      const opener = new RecordedOpener(request);
      const { fetch } = this.#parts;
      new Loader({ ...parts, opener, witness, fetch }).run(key);
    }
    for (;;) {
      const item = await this.#channel.receive();
      if (item === null || signal.aborted) return;
      await this.#take(item);
    }
  }

  async #take(item: Loaded): Promise<void> {
    if (item.kind === "gap") this.gaps.push(item);
    else if (item.kind === "end") this.endMs = item.atMs;
    else if (item.kind === "segment") this.#begin(item.header);
    else await this.#frame(item);
    if (item.kind !== "end" && item.kind !== "gap") this.endMs = null;
    this.#parts.wake();
  }

  #begin(header: SegmentHeader): void {
    this.#line.begin(header.session);
    this.#parts.segment(header);
  }

  async #frame(item: Loaded & { kind: "frame" | "key" }): Promise<void> {
    const frame = await this.#opened(item);
    if (frame === null || this.#abort.signal.aborted) return;
    const timeUs = this.#line.place(frame);
    if (timeUs === null) return;
    if (frame.track === "audio") return this.#parts.sound(frame, timeUs);
    if (frame.track === "video") await this.#video(frame, timeUs);
  }

  async #opened(item: Loaded & { kind: "frame" | "key" }): Promise<Frame | null> {
    try {
      if (item.kind === "frame") return await item.opened;
      const { header, frame } = await item.opened;
      this.#line.begin(header.session);
      return frame;
    } catch (error) {
      if (!(error instanceof SealedError)) throw error;
      this.#broken = true;
      return null;
    }
  }

  async #video(frame: Frame, timestamp: number): Promise<void> {
    if (this.#broken && !frame.key) return;
    this.#broken = false;
    if (frame.config?.track === "video") {
      this.#config = frame.config;
      this.#parts.video(frame.config);
    }
    await this.#room();
    if (this.#abort.signal.aborted) return;
    const { key, data } = frame;
    // Only whether pictures are reordered counts, not by how much.
    const { decodeOffset } = frame;
    this.#decoder.push({ key, timestamp, data, config: this.#config, decodeOffset });
  }

  /** Waits while enough pictures are ahead of the clock. */
  async #room(): Promise<void> {
    const { shelf, clock } = this.#parts;
    const full = () => shelf.ahead(micros(clock())) + this.#decoder.waiting > DECODED_AHEAD;
    while (!this.#abort.signal.aborted && full()) {
      await new Promise<void>((wake) => {
        this.#tick = wake;
      });
    }
  }

  #picture(frame: VideoFrame): void {
    if (this.#abort.signal.aborted) return frame.close();
    this.#parts.shelf.put(frame);
    // Catching up: what lies before the moment is let go of at once.
    this.#parts.shelf.current(micros(this.#parts.clock()));
    this.tick();
    this.#parts.wake();
  }
}
