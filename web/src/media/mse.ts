// Pictures by the browser's own player (Media Source Extensions), where WebCodecs or OffscreenCanvas is missing:
// what waits is appended in one piece, the player is held close to the newest picture, and old media are removed.
// Safari's ManagedMediaSource wants `disableRemotePlayback`.

import type { Bytes } from "../domain/bytes.ts";
import { concat } from "../domain/bytes.ts";

/** How far behind the newest picture the player stays, in seconds. */
const TARGET_S = 0.15;
/** Beyond these it plays a little faster, much faster, or jumps. */
const FAST_S = 0.3;
const FASTER_S = 0.8;
const JUMP_S = 1.5;
/** Below this it plays a little slower, so that it does not run dry. */
const SLOW_S = 0.07;

/** Media that are kept behind the player, in seconds; more than twice as much is removed. */
const KEPT_S = 10;

/** Bytes that may wait for the player; more means that it does not play. */
const MAX_WAITING = 32 * 1024 * 1024;

/** How the player is held at the live edge. */
export interface Steering {
  readonly rate: number;
  /** Where to jump to; `null`: nowhere. */
  readonly seek: number | null;
}

/** What to do when the player is `lag` seconds behind the newest picture at `end`. */
export function steer(lag: number, end: number): Steering {
  if (lag > JUMP_S || lag < 0) return { rate: 1, seek: Math.max(0, end - TARGET_S) };
  if (lag > FASTER_S) return { rate: 1.5, seek: null };
  if (lag > FAST_S) return { rate: 1.1, seek: null };
  if (lag < SLOW_S) return { rate: 0.97, seek: null };
  return { rate: 1, seek: null };
}

interface MediaSourceClass {
  new (): MediaSource;
  isTypeSupported(type: string): boolean;
}

/** The browser's class: iOS has only the managed one. */
function mediaSourceClass(): MediaSourceClass | null {
  const { ManagedMediaSource, MediaSource } = globalThis as {
    ManagedMediaSource?: MediaSourceClass;
    MediaSource?: MediaSourceClass;
  };
  return ManagedMediaSource ?? MediaSource ?? null;
}

/** Whether the browser's own player can be fed at all. */
export function hasMediaSource(): boolean {
  return mediaSourceClass() !== null;
}

const tracks = (type: string): number => type.split(",").length;

/** Feeds one `<video>`. */
export class MsePlayer {
  readonly #video: HTMLVideoElement;
  #source: MediaSource | null = null;
  #buffer: SourceBuffer | null = null;
  #type = "";
  #waiting: Bytes[] = [];
  #size = 0;
  #url = "";

  constructor(video: HTMLVideoElement) {
    this.#video = video;
    video.muted = true;
    video.autoplay = true;
    video.playsInline = true;
    video.disableRemotePlayback = true;
  }

  /** A file starts; gives whether the browser plays its type. */
  begin(type: string, init: Bytes): boolean {
    const Source = mediaSourceClass();
    if (Source === null || !Source.isTypeSupported(type)) return false;
    this.#waiting = [init];
    this.#size = init.length;
    // A player takes other codecs, but no more or fewer tracks than before.
    const open = this.#buffer !== null && this.#source?.readyState === "open";
    if (!open || tracks(type) !== tracks(this.#type)) this.#open(new Source(), type);
    else if (type !== this.#type) this.#change(type);
    this.#type = type;
    this.#append();
    return true;
  }

  append(fragment: Bytes): void {
    if (this.#size + fragment.length > MAX_WAITING) this.#drop();
    this.#waiting.push(fragment);
    this.#size += fragment.length;
    this.#append();
  }

  close(): void {
    this.#drop();
    this.#buffer = null;
    this.#source = null;
    this.#video.removeAttribute("src");
    this.#video.srcObject = null;
    this.#video.load();
    URL.revokeObjectURL(this.#url);
  }

  #open(source: MediaSource, type: string): void {
    this.#source = source;
    this.#buffer = null;
    source.onsourceopen = () => {
      URL.revokeObjectURL(this.#url);
      if (source !== this.#source || this.#buffer !== null) return;
      this.#buffer = source.addSourceBuffer(type);
      this.#buffer.onupdateend = () => this.#appended();
      this.#append();
    };
    this.#url = URL.createObjectURL(source);
    this.#video.src = this.#url;
  }

  #change(type: string): void {
    try {
      this.#buffer?.changeType(type);
    } catch {
      this.#buffer = null;
    }
  }

  #drop(): void {
    this.#waiting = [];
    this.#size = 0;
  }

  /** Everything that waits, in one piece. */
  #append(): void {
    const buffer = this.#buffer;
    if (buffer === null || buffer.updating || this.#waiting.length === 0) return;
    const bytes = concat(...this.#waiting);
    this.#drop();
    try {
      buffer.appendBuffer(bytes);
    } catch {
      // The player has failed or was taken away: the next file opens another one.
      this.#buffer = null;
    }
  }

  #appended(): void {
    this.#steer();
    if (!this.#evict()) this.#append();
  }

  #steer(): void {
    const { buffered } = this.#video;
    if (buffered.length === 0) return;
    const end = buffered.end(buffered.length - 1);
    const { rate, seek } = steer(end - this.#video.currentTime, end);
    if (seek !== null)
      this.#video.currentTime = Math.max(seek, buffered.start(buffered.length - 1));
    if (this.#video.playbackRate !== rate) this.#video.playbackRate = rate;
    if (this.#video.paused) this.#video.play().catch(() => undefined);
  }

  /** Removes what was played; gives whether it does so now. */
  #evict(): boolean {
    const { buffered, currentTime } = this.#video;
    const start = buffered.length > 0 ? buffered.start(0) : currentTime;
    if (currentTime - start < 2 * KEPT_S || this.#buffer === null) return false;
    this.#buffer.remove(start, currentTime - KEPT_S);
    return true;
  }
}
