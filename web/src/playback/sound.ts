// Sound of a recording at ordinary speed: packets wait here until the clock is near them, then go to the
// speaker. At any other speed there is silence.

import type { SoundPacket } from "../media/sound.ts";
import { Speaker } from "../media/sound.ts";
import type { Frame } from "../sealed/segment.ts";
import type { AudioConfig } from "../sealed/track.ts";

/** Packets go to the speaker this long before they are heard, in microseconds. */
const EARLY_US = 120_000;

/** What of it the speaker holds at first, in milliseconds: all but a packet, a display refresh and its own reserve. */
const HOLD_MS = 65;

/** What is later than this is left out, in microseconds. */
const LATE_US = 40_000;

/** Packets that wait at most. */
const MAX_WAITING = 1_000;

/** The sound of one camera. */
export class SoundFeed {
  #waiting: SoundPacket[] = [];
  #speaker: Speaker | null = null;
  #heard = false;
  #config: AudioConfig | null = null;
  #seen = false;

  /** Whether the recording has sound. */
  get isHeard(): boolean {
    return this.#seen;
  }

  /** Plays through `port` from now on; `null`: silence. */
  open(port: MessagePort | null, unsupported: () => void): void {
    this.#speaker?.close();
    const decodes = (yes: boolean) => (yes ? undefined : unsupported());
    this.#speaker = port === null ? null : new Speaker(port, { holdMs: HOLD_MS, decodes });
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
    if (this.#heard && !heard) this.#speaker?.clear();
    this.#heard = heard;
    if (heard) this.#speaker?.seen(timeUs);
    while (heard && (this.#waiting[0]?.timestamp ?? Number.POSITIVE_INFINITY) < timeUs + EARLY_US) {
      const packet = this.#waiting.shift();
      if (packet === undefined) return;
      if (packet.timestamp > timeUs - LATE_US) this.#speaker?.push(packet);
    }
  }

  /** A jump: nothing of before is heard any more. */
  clear(): void {
    this.#waiting = [];
    this.#speaker?.clear();
  }

  close(): void {
    this.open(null, () => undefined);
  }
}
