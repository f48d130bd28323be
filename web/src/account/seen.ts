// What this device remembers between visits besides keys: the highest manifest of each stream, below which no live
// stream may fall again, and the owner's choices. Sealed like everything else, so that nobody turns it back unseen.

import type { Bytes } from "../domain/bytes.ts";
import { ascii } from "../domain/bytes.ts";
import type { CameraId, Hash } from "../domain/id.ts";
import type { Rendition } from "../sealed/record.ts";
import { DEFAULT_IDLE_MINUTES, MAX_IDLE_MINUTES } from "./idle.ts";
import type { HighWater } from "./session.ts";
import { json } from "./vault.ts";

/** Streams that are remembered; the longest unseen make room. */
export const MAX_SEEN = 1_024;

/** As it stands in the sealed JSON: counter and time are decimal, as they are 64-bit values. */
interface Kept {
  readonly idleMinutes?: number;
  readonly streams?: { readonly [stream: string]: readonly [string, string, string] };
}

/** What was seen. */
export class Seen {
  readonly #streams = new Map<string, HighWater>();
  #idleMinutes = DEFAULT_IDLE_MINUTES;

  static decode(clear: Bytes): Seen {
    const kept = json<Kept>(clear);
    const seen = new Seen();
    seen.idleMinutes = kept.idleMinutes ?? DEFAULT_IDLE_MINUTES;
    for (const [stream, [counter, time, hash]] of Object.entries(kept.streams ?? {})) {
      const high = { counter: BigInt(counter), time: BigInt(time), hash: hash as Hash };
      seen.#streams.set(stream, high);
    }
    return seen;
  }

  encode(): Bytes {
    const streams = [...this.#streams].map(([stream, { counter, time, hash }]) => {
      return [stream, [`${counter}`, `${time}`, hash]] as const;
    });
    const kept: Kept = { idleMinutes: this.#idleMinutes, streams: Object.fromEntries(streams) };
    return ascii(JSON.stringify(kept));
  }

  get idleMinutes(): number {
    return this.#idleMinutes;
  }

  set idleMinutes(minutes: number) {
    const whole = Number.isFinite(minutes) ? Math.round(minutes) : DEFAULT_IDLE_MINUTES;
    this.#idleMinutes = Math.min(Math.max(whole, 1), MAX_IDLE_MINUTES);
  }

  floor(camera: CameraId, rendition: Rendition): HighWater | undefined {
    return this.#streams.get(`${camera}/${rendition}`);
  }

  /** Notes a manifest; a lower one changes nothing. Says whether it changed anything. */
  note(camera: CameraId, rendition: Rendition, high: HighWater): boolean {
    return this.#note(`${camera}/${rendition}`, high);
  }

  /** Takes over what another tab has seen. */
  merge(other: Seen): void {
    for (const [stream, high] of other.#streams) this.#note(stream, high);
  }

  #note(stream: string, high: HighWater): boolean {
    const known = this.#streams.get(stream);
    if (known !== undefined && known.counter >= high.counter) return false;
    this.#streams.set(stream, high);
    if (this.#streams.size > MAX_SEEN) this.#forgetOldest();
    return true;
  }

  #forgetOldest(): void {
    let oldest: readonly [string, HighWater] | null = null;
    for (const entry of this.#streams) {
      if (oldest === null || entry[1].time < oldest[1].time) oldest = entry;
    }
    if (oldest !== null) this.#streams.delete(oldest[0]);
  }
}
