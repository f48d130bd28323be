// Opened frames into one MP4 file: which track, which configuration, and one line of time for sessions that each
// have their own. Where a new session begins, its times are moved so that distances are those between capture times,
// and never run backwards. Pictures are copied as they are. The twin of `shell/client/src/export/mux.rs`.

import type { Bytes } from "../domain/bytes.ts";
import type { Frame } from "../sealed/segment.ts";
import type { MediaConfig } from "./mp4/entry.ts";
import { Mp4Error } from "./mp4/index.ts";
import type { Ending } from "./mp4/writer.ts";
import { Mp4Writer } from "./mp4/writer.ts";

const NANOS_PER_S = 1_000_000_000n;
const NANOS_PER_MS = 1_000_000n;

/** Whether a frame went into the file. */
export type Fit =
  | { readonly kind: "taken"; readonly bytes: readonly Bytes[] }
  /** It is of a track that is left out. */
  | { readonly kind: "left-out" }
  /** It does not go together with what is there: finish this file and put it into a new one. */
  | { readonly kind: "new-file" };

const LEFT_OUT = { kind: "left-out" } as const;

interface Lane {
  track: number;
  config: number;
  timescale: number;
  /** `null`: nothing was taken yet. */
  lastDts: bigint | null;
}

/** Where a session's times lie in the file. */
interface Line {
  readonly session: number;
  /** The instant of tick 0 in the first session, in nanoseconds since 1970. */
  readonly zeroNs: bigint;
  /** What is added to this session's times. */
  readonly shiftNs: bigint;
}

/** One MP4 file in the making. */
export class Mux {
  readonly #writer: Mp4Writer;
  readonly #lanes = new Map<Frame["track"], Lane>();
  #line: Line | null = null;
  /** Sound had to be left out that a new file could take. Start one with the next segment. */
  wantsNewFile = false;

  constructor(createdMs: number) {
    this.#writer = new Mp4Writer(createdMs);
  }

  /** The file's first bytes. */
  get head(): Bytes {
    return this.#writer.head;
  }

  /** Takes a frame of `session`. */
  frame(session: number, frame: Frame): Fit {
    if (frame.track !== "video" && frame.track !== "audio") return LEFT_OUT;
    try {
      return this.#put(session, frame);
    } catch (error) {
      if (!(error instanceof Mp4Error)) throw error;
      return this.#refused(error, frame);
    }
  }

  finish(): Ending {
    return this.#writer.finish();
  }

  #refused(error: Mp4Error, { track }: Frame): Fit {
    const empty = [...this.#lanes.values()].every(({ lastDts }) => lastDts === null);
    // A file can't begin in the middle of a group of pictures: the next keyframe begins it.
    if (error.refusal === "not-key" && empty) return LEFT_OUT;
    if (error.refusal === "sample-size" || error.refusal === "time") throw error;
    if (track === "video") return { kind: "new-file" };
    this.wantsNewFile = true;
    return LEFT_OUT;
  }

  #put(session: number, frame: Frame): Fit {
    const { track, config } = frame;
    if (config !== null && "codec" in config) this.#configure(track, config);
    const lane = this.#lanes.get(track);
    const shiftNs = lane === undefined ? null : this.#shift(session, frame, lane);
    if (lane === undefined || shiftNs === null) return LEFT_OUT;
    const shift = ticks(shiftNs, lane.timescale);
    const dts = later(frame.pts + BigInt(frame.decodeOffset) + shift, lane.lastDts);
    const pts = later(frame.pts + shift, dts);
    const { key, data } = frame;
    const sample = { pts: Number(pts), dts: Number(dts), key, config: lane.config, data };
    const bytes = this.#writer.sample(lane.track, sample);
    lane.lastDts = dts;
    return { kind: "taken", bytes };
  }

  #configure(track: Frame["track"], config: MediaConfig): void {
    const lane = this.#lanes.get(track);
    if (lane === undefined) return this.#addLane(track, config);
    try {
      lane.config = this.#writer.addConfig(lane.track, config);
    } catch (error) {
      // Sound of another codec goes on a track of its own.
      const other = error instanceof Mp4Error && error.refusal === "track-changed";
      if (!other || track !== "audio") throw error;
      this.#addLane(track, config);
    }
  }

  #addLane(track: Frame["track"], config: MediaConfig): void {
    const { timescale } = config;
    const number = this.#writer.addTrack(config);
    this.#lanes.set(track, { track: number, config: 0, timescale, lastDts: null });
  }

  /** What is added to times of `session`. A session begins with a picture; sound before it has no place. */
  #shift(session: number, frame: Frame, lane: Lane): bigint | null {
    if (this.#line?.session === session) return this.#line.shiftNs;
    if (frame.track !== "video") return null;
    const zeroNs = frame.captured * NANOS_PER_MS - nanos(frame.pts, lane.timescale);
    this.#line = { session, ...this.#lineFrom(zeroNs, frame, lane) };
    return this.#line.shiftNs;
  }

  #lineFrom(zeroNs: bigint, frame: Frame, lane: Lane): Omit<Line, "session"> {
    const line = this.#line;
    if (line === null) return { zeroNs, shiftNs: 0n };
    const dts = frame.pts + BigInt(frame.decodeOffset);
    const earliest = lane.lastDts === null ? null : nanos(lane.lastDts + 1n - dts, lane.timescale);
    return { zeroNs: line.zeroNs, shiftNs: later(zeroNs - line.zeroNs, earliest) };
  }
}

function later(value: bigint, least: bigint | null): bigint {
  return least === null || value > least ? value : least;
}

function nanos(ticks: bigint, timescale: number): bigint {
  return (ticks * NANOS_PER_S) / BigInt(timescale);
}

/** Rounded to the nearest tick. */
function ticks(nanos: bigint, timescale: number): bigint {
  const product = nanos * BigInt(timescale) + NANOS_PER_S / 2n;
  const down = product / NANOS_PER_S;
  return product < 0n && down * NANOS_PER_S !== product ? down - 1n : down;
}
