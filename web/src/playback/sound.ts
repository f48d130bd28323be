// Sound of a recording at ordinary speed: packets wait here until the clock is near them, then go to the
// speaker that live uses, too. At any other speed there is silence.

import { Speaker } from "../live/sound.ts";
import type { Frame } from "../sealed/segment.ts";
import type { AudioConfig } from "../sealed/track.ts";

/** Packets go to the speaker this long before they are heard, in microseconds. */
const EARLY_US = 80_000;

/** What is later than this is left out, in microseconds. */
const LATE_US = 200_000;

/** Packets that wait at most. */
const MAX_WAITING = 1_000;

interface Packet {
  readonly config: AudioConfig;
  readonly data: Frame["data"];
  readonly timestamp: number;
}

/** The sound of one camera. */
export class SoundFeed {
  #waiting: Packet[] = [];
  #speaker: Speaker | null = null;
  #config: AudioConfig | null = null;
  #seen = false;

  /** Whether the recording has sound. */
  get isHeard(): boolean {
    return this.#seen;
  }

  /** Plays through `port` from now on; `null`: silence. */
  open(port: MessagePort | null, unsupported: () => void): void {
    this.#speaker?.close();
    this.#speaker = port === null ? null : new Speaker(port, 0, unsupported);
    this.#waiting = [];
  }

  /** Takes a packet that is to be heard at `timestamp`, in microseconds since 1970. */
  push({ config, data }: Frame, timestamp: number): void {
    this.#seen = true;
    if (config?.track === "audio") this.#config = config;
    if (this.#config === null || this.#speaker === null) return;
    this.#waiting.push({ config: this.#config, data, timestamp });
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
  }

  /** The clock is at `timeUs`; nothing is heard unless it runs at ordinary speed. */
  play(timeUs: number, heard: boolean): void {
    while (heard && (this.#waiting[0]?.timestamp ?? Number.POSITIVE_INFINITY) < timeUs + EARLY_US) {
      const packet = this.#waiting.shift();
      if (packet === undefined) return;
      if (packet.timestamp > timeUs - LATE_US) this.#speaker?.push(packet);
    }
  }

  clear(): void {
    this.#waiting = [];
  }

  close(): void {
    this.open(null, () => undefined);
  }
}
