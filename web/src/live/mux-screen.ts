// A tile's screen where the browser's own player shows the pictures: access units become fragments of an MP4, which
// the page appends. A change of configuration starts the file anew.

import { sameVideo } from "../media/codec.ts";
import type { Sample } from "../media/fmp4.ts";
import { fragment, initSegment, isMuxable, mediaType } from "../media/fmp4.ts";
import type { AudioConfig, VideoConfig } from "../sealed/track.ts";
import type { FromWorker } from "./protocol.ts";
import type { RunSound, RunUnit } from "./run.ts";
import type { Screen } from "./screen.ts";

/** How long an access unit lasts at least, in seconds. Two of these without another one, and a player waits for the
    next key (Media Source Extensions §3.5.8): pictures that come unevenly must not look like a hole. */
const LEAST_S = { video: 0.05, audio: 0.04 } as const;

/** A longer pause is a hole, in seconds. */
const HOLE_S = 2;

/** Access units that wait at most: for the sound's configuration, which stands behind the first picture. */
const MAX_HELD = 24;

/** Where a track stands, in its ticks. */
interface Track {
  decode: bigint;
  duration: number;
}

export class MuxScreen implements Screen {
  readonly decodes = false;
  readonly skipped = 0;
  readonly #id: number;
  readonly #tell: (message: FromWorker, transfer: Transferable[]) => void;
  #video: VideoConfig | null = null;
  #audio: AudioConfig | null = null;
  #sequence = 0;
  #tracks: { video: Track | null; audio: Track | null } = { video: null, audio: null };
  #held: Sample[] = [];
  #begun = false;
  #flushing = false;
  painted: Screen["painted"] = () => undefined;
  shown: Screen["shown"] = () => undefined;

  constructor(id: number, tell: (message: FromWorker, transfer: Transferable[]) => void) {
    this.#id = id;
    this.#tell = tell;
  }

  picture(): void {
    // Nothing is decoded here.
  }

  unit({ unit, config, captured, current }: RunUnit): void {
    const changed = this.#video === null || !sameVideo(this.#video, config);
    if (changed && !unit.key) return;
    if (changed) this.#configure(config, this.#audio);
    const { timestamp, decodeOffset, key, data } = unit;
    this.#add("video", [timestamp, decodeOffset, config.timescale], key, data);
    this.painted(captured, current, { width: config.width, height: config.height });
  }

  sound({ config, data, timestamp }: RunSound): void {
    if (this.#video === null || !isMuxable(config)) return;
    if (this.#audio !== config) this.#configure(this.#video, config);
    this.#add("audio", [timestamp, 0, config.timescale], true, data);
  }

  follow(): void {
    // The player keeps sound and picture together.
  }

  snapshot(): Promise<Blob | null> {
    return Promise.resolve(null);
  }

  close(): void {
    this.#held = [];
    this.#video = null;
  }

  /** What waits belongs to the file before, unless that has not begun. */
  #configure(video: VideoConfig, audio: AudioConfig | null): void {
    if (this.#begun) this.#flush();
    this.#begun = false;
    this.#video = video;
    this.#audio = audio;
  }

  #begin(video: VideoConfig): void {
    this.#begun = true;
    const type = mediaType(video, this.#audio);
    if (type === null) return;
    const bytes = initSegment(video, this.#audio);
    const init = { type, codec: video.codec };
    this.#tell({ kind: "media", id: this.#id, init, bytes }, [bytes.buffer]);
  }

  /** `place`: presentation time and decode offset in microseconds, ticks a second. */
  #add(
    track: Sample["track"],
    [timestamp, decodeOffset, timescale]: readonly [number, number, number],
    key: boolean,
    data: Uint8Array<ArrayBuffer>,
  ): void {
    const ticks = (micros: number) => BigInt(Math.round((micros / 1e6) * timescale));
    const [present, wanted] = [ticks(timestamp), ticks(timestamp + decodeOffset)];
    const last = this.#tracks[track];
    // Decode times count up.
    const decode = last !== null && wanted <= last.decode ? last.decode + 1n : wanted;
    const least = Math.round(LEAST_S[track] * timescale);
    const step = last === null ? 0 : Number(decode - last.decode);
    // As long as the longest so far.
    const longest = step > HOLE_S * timescale ? 0 : step;
    const duration = Math.max(least, longest, last?.duration ?? 0);
    this.#tracks[track] = { decode, duration };
    this.#held.push({ track, key, decode, offset: Number(present - decode), duration, data });
    if (this.#flushing) return;
    this.#flushing = true;
    // What one message brought goes out as one fragment.
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    const samples = this.#held;
    if (samples.length === 0 || this.#video === null) return;
    if (!this.#begun && this.#audio === null && samples.length < MAX_HELD) return;
    if (!this.#begun) this.#begin(this.#video);
    this.#held = [];
    this.#sequence += 1;
    const bytes = fragment(this.#sequence, withDurations(samples));
    this.#tell({ kind: "media", id: this.#id, init: null, bytes }, [bytes.buffer]);
  }
}

/** Inside a fragment a sample's duration says when the next of its track is decoded. */
function withDurations(samples: readonly Sample[]): Sample[] {
  return samples.map((sample, at) => {
    const next = samples.slice(at + 1).find(({ track }) => track === sample.track);
    return next === undefined
      ? sample
      : { ...sample, duration: Number(next.decode - sample.decode) };
  });
}
