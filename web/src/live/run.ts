// One rendition of one camera while it is watched: joins, and joins again when the connection is lost. It gives
// pictures with their age, and sound as it came.

import type { CameraId } from "../domain/id.ts";
import { sameAudio } from "../media/codec.ts";
import type { DecodeProblem, Unit } from "../media/decoder.ts";
import type { Picture } from "../media/painter.ts";
import type { SoundPacket } from "../media/sound.ts";
import type { HighWater } from "../sealed/highwater.ts";
import type { Manifest } from "../sealed/manifest.ts";
import type { Rendition } from "../sealed/record.ts";
import type { Frame } from "../sealed/segment.ts";
import type { Opened } from "../sealed/stream.ts";
import type { AudioConfig, VideoConfig } from "../sealed/track.ts";
import { localNow } from "./clock.ts";
import type { FeedEnd } from "./feed.ts";
import { Feed } from "./feed.ts";
import { Line } from "./line.ts";
import type { Stop } from "./phase.ts";
import { Pictures } from "./pictures.ts";
import { pauseMs, verdictOf } from "./reconnect.ts";
import type { LiveVault } from "./vault.ts";

/** A packet of sound on the same line as the pictures. */
export interface RunSound extends SoundPacket {
  /** What comes now is what happens now. */
  readonly current: boolean;
}

/** An access unit of a picture. */
export interface RunUnit {
  readonly unit: Unit;
  readonly config: VideoConfig;
  readonly captured: number;
  /** What comes now is what happens now. */
  readonly current: boolean;
}

export interface RunEvents {
  /** A decoded picture; the receiver closes its frame. */
  picture(picture: Picture): void;
  sound(sound: RunSound): void;
  /** Every access unit of a picture, for what plays units and not pictures. */
  unit(unit: RunUnit): void;
  /** It connected, lost its connection, or tries again at a time. */
  changed(): void;
  /** It ended and does not try again. */
  stopped(stop: Stop): void;
  /** Decoding here takes too long; the smaller rendition would help. */
  overloaded(): void;
}

export interface RunRequest {
  readonly vault: LiveVault;
  readonly camera: CameraId;
  readonly rendition: Rendition;
  readonly floor: HighWater | undefined;
  /** Whether pictures are decoded here. */
  readonly decodes: boolean;
  readonly hasSmaller: () => boolean;
}

export class Run {
  readonly #request: RunRequest;
  readonly #events: RunEvents;
  readonly #line = new Line();
  #pictures: Pictures;
  #feed: Feed | null = null;
  #floor: HighWater | undefined;
  #bytes = 0;
  #dropped = 0;
  #session = 0;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  video: VideoConfig | null = null;
  audio: AudioConfig | null = null;
  connected = false;
  /** The connection was lost since the last picture. */
  lost = false;
  retryAt: number | null = null;
  reconnects = 0;
  segment = 0n;
  manifest: Manifest | null = null;

  constructor(request: RunRequest, events: RunEvents) {
    this.#request = request;
    this.#events = events;
    this.#floor = request.floor;
    this.#pictures = this.#newPictures();
    this.#join();
  }

  get rendition(): Rendition {
    return this.#request.rendition;
  }

  /** Units that wait for the decoder. */
  get queued(): number {
    return this.#pictures.queued;
  }

  /** Milliseconds that decoding takes. */
  get decodeMs(): number {
    return this.#pictures.decodeMs;
  }

  /** Units that were dropped because this device was too slow. */
  get dropped(): number {
    return this.#dropped + this.#pictures.dropped;
  }

  /** Whether pictures are of now. */
  get caughtUp(): boolean {
    return this.#pictures.caughtUp;
  }

  /** The highest manifest that came, of this connection or before. */
  get highWater(): HighWater | undefined {
    const high = this.#feed?.highWater;
    return high && high.counter > (this.#floor?.counter ?? -1n) ? high : this.#floor;
  }

  /** Sealed bytes that came. */
  get bytes(): number {
    return this.#bytes + (this.#feed?.bytes ?? 0);
  }

  /** Tries again at once instead of waiting: the network came back. */
  hurry(): void {
    if (this.retryAt !== null && !this.#closed) this.#join();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#leave();
    this.#pictures.close();
  }

  #newPictures(): Pictures {
    const { decodes, hasSmaller } = this.#request;
    return new Pictures(decodes, hasSmaller, {
      picture: (picture) => this.#events.picture(picture),
      problem: (problem) => this.#undecodable(problem),
      overloaded: () => this.#events.overloaded(),
      late: () => this.#join(),
    });
  }

  /** Pictures of before are of no use to what comes. */
  #join(): void {
    clearTimeout(this.#retry);
    this.retryAt = null;
    this.#leave();
    this.#dropped += this.#pictures.dropped;
    this.#pictures.close();
    this.#pictures = this.#newPictures();
    const { vault, camera, rendition } = this.#request;
    const request = { vault, camera, rendition, floor: this.#floor };
    this.#feed = new Feed(request, {
      connected: () => {
        this.connected = true;
        this.#events.changed();
      },
      opened: (opened, at) => this.#opened(opened, at),
      ended: (end) => this.#ended(end),
    });
    this.#events.changed();
  }

  #opened(opened: Opened, at: number): void {
    if (opened.kind === "segment") {
      this.#session = opened.header.session;
      this.segment = opened.header.number;
    } else if (opened.kind === "manifest") {
      this.manifest = opened.manifest;
    } else if (opened.kind === "frame") {
      this.#failures = 0;
      this.lost = false;
      if (opened.frame.track === "video") this.#see(opened.frame, at);
      else if (opened.frame.track === "audio") this.#hear(opened.frame);
    }
  }

  #see(frame: Frame, at: number): void {
    const { config, key, data, pts, decodeOffset } = frame;
    const changed = config?.track === "video" ? config : null;
    this.video = changed ?? this.video;
    if (this.video === null) return;
    // Local time of the capture by the gateway's clock.
    const captured = Number(frame.captured) - this.#request.vault.clock.offset;
    const timestamp = this.#line.at(this.#session, pts, this.video.timescale);
    const before = (decodeOffset / this.video.timescale) * 1e6;
    const unit = { key, timestamp, data, config: changed, decodeOffset: before };
    this.#pictures.push(unit, captured, at);
    const current = this.#pictures.isLive;
    this.#events.unit({ unit, config: this.video, captured, current });
  }

  #hear({ config, data, pts }: Frame): void {
    // Every segment tells it again: who plays sound sees a change only where there is one.
    const told = config?.track === "audio" ? config : null;
    if (told !== null && (this.audio === null || !sameAudio(this.audio, told))) this.audio = told;
    if (this.audio === null) return;
    const timestamp = this.#line.at(this.#session, pts, this.audio.timescale);
    const current = this.#pictures.isLive;
    this.#events.sound({ data, timestamp, config: this.audio, current });
  }

  #undecodable(problem: DecodeProblem): void {
    if (problem.kind === "failed") return this.#stop({ kind: "failed" });
    this.#stop({ kind: "unsupported", codec: problem.config.codec });
  }

  #ended(end: FeedEnd): void {
    this.#leave();
    if (end.kind === "refused") return this.#stop({ kind: "refused", code: end.code });
    const verdict = verdictOf(end);
    if (verdict !== "again") return this.#stop({ kind: verdict });
    this.lost = true;
    const atLeast = end.kind === "problem" ? (end.retryAfterMs ?? 0) : 0;
    const pause = pauseMs(this.#failures, Math.random(), atLeast);
    this.#failures += 1;
    this.reconnects += 1;
    this.retryAt = localNow() + pause;
    this.#retry = setTimeout(() => this.#join(), pause);
    this.#events.changed();
  }

  /** Lets go of the connection and keeps what was seen. */
  #leave(): void {
    const feed = this.#feed;
    this.connected = false;
    if (feed === null) return;
    this.#floor = this.highWater;
    this.#bytes += feed.bytes;
    this.#feed = null;
    feed.close();
  }

  #stop(stop: Stop): void {
    if (this.#closed) return;
    this.close();
    this.#events.stopped(stop);
  }
}
