// From access units to pictures with their age: the decoder, the pace of the stream, and the rule for devices that are
// too slow. One for each connection; what is drawn is decided by the tile.

import type { DecodeProblem, Unit } from "../media/decoder.ts";
import { PictureDecoder } from "../media/decoder.ts";
import type { Picture } from "../media/painter.ts";
import { localNow } from "./clock.ts";
import type { Remedy } from "./overload.ts";
import { remedy } from "./overload.ts";
import { Pace } from "./pace.ts";

/** A picture counts as of now up to this lateness, in milliseconds. */
const CURRENT_MS = 400;

/** A stream that is late is not joined again more often, in milliseconds. */
const REJOIN_MS = 20_000;

/** Access units whose place is remembered while they are inside the decoder. */
const MAX_PLACES = 2_000;

export interface PicturesEvents {
  /** The receiver closes its frame. */
  picture(picture: Picture): void;
  problem(problem: DecodeProblem): void;
  /** All takes too long here; the smaller rendition would help. */
  overloaded(): void;
  /** What comes is old, and another connection would bring newer. */
  late(): void;
}

interface Place {
  readonly captured: number;
  readonly given: number;
}

export class Pictures {
  readonly #events: PicturesEvents;
  readonly #decoder: PictureDecoder | null;
  readonly #hasSmaller: () => boolean;
  readonly #pace = new Pace();
  readonly #places = new Map<number, Place>();
  readonly #born = localNow();
  #keys = { last: 0, interval: 0 };
  #behindSince: number | null = null;
  #caughtUp = false;
  /** Milliseconds that decoding takes, smoothed. */
  decodeMs = 0;
  /** Pictures that came out, and units that were dropped. */
  decoded = 0;
  dropped = 0;

  /** `decodes`: whether pictures are decoded here, or only their age is told. */
  constructor(decodes: boolean, hasSmaller: () => boolean, events: PicturesEvents) {
    this.#events = events;
    this.#hasSmaller = hasSmaller;
    const picture = (frame: VideoFrame) => this.#picture(frame);
    const problem = (what: DecodeProblem) => events.problem(what);
    this.#decoder = decodes ? new PictureDecoder({ picture, problem }) : null;
  }

  /** Units that wait for the decoder. */
  get queued(): number {
    return this.#decoder?.waiting ?? 0;
  }

  /** Whether what comes is what happens. */
  get isLive(): boolean {
    return this.#pace.isLive;
  }

  /** Whether pictures are of now. */
  get caughtUp(): boolean {
    return this.#decoder === null ? this.#pace.isLive : this.#caughtUp;
  }

  /** Takes a unit that came at `at` and was captured at `captured`, in local milliseconds. */
  push(unit: Unit, captured: number, at: number): void {
    this.#pace.note(captured, at);
    if (unit.key) {
      if (this.#keys.last > 0) this.#keys.interval = captured - this.#keys.last;
      this.#keys.last = captured;
    }
    if (this.#decoder === null) return;
    this.#places.set(unit.timestamp, { captured, given: localNow() });
    const [oldest] = this.#places.keys();
    if (this.#places.size > MAX_PLACES && oldest !== undefined) this.#places.delete(oldest);
    this.#decoder.push(unit);
    if (this.#caughtUp || this.#behindSince !== null) this.#relieve(captured);
  }

  close(): void {
    this.#decoder?.close();
    this.#places.clear();
  }

  /** The overload rule. */
  #relieve(captured: number): void {
    const now = localNow();
    const interval = this.#keys.interval || Number.POSITIVE_INFINITY;
    const [oldest] = this.#places.values();
    const wanted = remedy({
      queued: this.queued,
      lateMs: oldest === undefined ? 0 : this.#pace.lateness(oldest.captured, now),
      toKeyMs: Math.max(0, this.#keys.last + interval - captured),
      behindMs: this.#behindSince === null ? 0 : now - this.#behindSince,
      hasSmaller: this.#hasSmaller(),
    });
    if (wanted !== "draw") this.#apply(wanted, now);
  }

  #apply(wanted: Remedy, now: number): void {
    if (wanted !== "rejoin") {
      this.#behindSince ??= now;
      this.#caughtUp = false;
    }
    if (wanted === "smaller") this.#events.overloaded();
    if (wanted === "rejoin" && now - this.#born > REJOIN_MS) this.#events.late();
    if (wanted !== "drop") return;
    this.dropped += this.#decoder?.dropToKey() ?? 0;
    this.#places.clear();
  }

  #picture(frame: VideoFrame): void {
    const now = localNow();
    const place = this.#places.get(frame.timestamp);
    if (place === undefined) return frame.close();
    // In presentation order: earlier ones came out, or never will.
    for (const earlier of this.#places.keys()) {
      if (earlier <= frame.timestamp) this.#places.delete(earlier);
    }
    this.decoded += 1;
    const { captured } = place;
    const caughtUp = this.queued <= 1;
    if (caughtUp) this.decodeMs += (now - place.given - this.decodeMs) / 8;
    const fresh = caughtUp || this.#pace.lateness(captured, now) < CURRENT_MS;
    const current = this.#pace.isLive && fresh;
    if (current) {
      this.#caughtUp = true;
      this.#behindSince = null;
    }
    this.#events.picture({ frame, captured, timestamp: frame.timestamp, current });
  }
}
