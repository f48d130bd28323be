// Sound between its decoder and the speaker: holds 40 to 60 ms, asks for more patience where the network needs it,
// and drops what would make sound lag. It runs inside the audio worklet and knows no browser object.

/** Sound that is held before it plays, in milliseconds. */
export const TARGET_MS = 50;

/** So much more than the target is cut back to it, in milliseconds. */
const SLACK_MS = 50;

/** What running dry adds to the target, and the most that it becomes. */
const STEP_MS = 20;
const MAX_TARGET_MS = 200;

/** After so much sound without running dry the target comes down by a step, in milliseconds. */
const CALM_MS = 10_000;

/** Decoded sound of one packet. */
export interface Packet {
  /** Samples of each channel, between -1 and 1. */
  readonly channels: readonly Float32Array[];
  readonly rate: number;
  /** Presentation time of its first sample, in microseconds. */
  readonly timestamp: number;
}

/** A first-in first-out of packets, read at whatever rate the speaker has. */
export class SoundRing {
  readonly #packets: Packet[] = [];
  /** Samples of the first packet that were read, with a fraction. */
  #at = 0;
  #filling = true;
  #target = TARGET_MS;
  #calmMs = 0;
  /** How often it ran dry, and how many packets were dropped to catch up. */
  readonly counts = { underruns: 0, trimmed: 0 };

  /** Takes the next packet. */
  push(packet: Packet): void {
    if ((packet.channels[0]?.length ?? 0) === 0) return;
    this.#packets.push(packet);
    if (this.depthMs <= this.#target + SLACK_MS) return;
    while (this.#packets.length > 1 && this.depthMs > this.#target) {
      this.#packets.shift();
      this.#at = 0;
      this.counts.trimmed += 1;
    }
  }

  /** Sound that is held, in milliseconds. */
  get depthMs(): number {
    let seconds = 0;
    for (const { channels, rate } of this.#packets) seconds += (channels[0]?.length ?? 0) / rate;
    return (seconds - this.#at / (this.#packets[0]?.rate ?? 1)) * 1_000;
  }

  /** Presentation time of the sample that is read next, in microseconds; `null` while nothing plays. */
  get position(): number | null {
    const first = this.#packets[0];
    if (first === undefined || this.#filling) return null;
    return first.timestamp + (this.#at / first.rate) * 1e6;
  }

  /** Fills `out`, at `rate` samples a second; silence while it fills up. */
  read(out: readonly Float32Array[], rate: number): void {
    if (this.#filling && this.depthMs >= this.#target) this.#filling = false;
    const length = out[0]?.length ?? 0;
    this.#relax((length * 1_000) / rate);
    for (let at = 0; at < length; at += 1) {
      const packet = this.#filling ? undefined : this.#packets[0];
      for (const [index, channel] of out.entries()) {
        channel[at] = packet === undefined ? 0 : this.#sample(packet, index);
      }
      if (packet !== undefined) this.#advance(packet, packet.rate / rate);
    }
  }

  #relax(ms: number): void {
    this.#calmMs += ms;
    if (this.#calmMs < CALM_MS) return;
    this.#calmMs = 0;
    this.#target = Math.max(TARGET_MS, this.#target - STEP_MS);
  }

  clear(): void {
    this.#packets.length = 0;
    this.#at = 0;
    this.#filling = true;
  }

  /** Between the two samples around the place; mono goes to every speaker. */
  #sample({ channels }: Packet, index: number): number {
    const samples = channels[Math.min(index, channels.length - 1)];
    const [place, part] = [Math.floor(this.#at), this.#at % 1];
    const here = samples?.[place] ?? 0;
    return here + ((samples?.[place + 1] ?? here) - here) * part;
  }

  #advance({ channels }: Packet, step: number): void {
    this.#at += step;
    const length = channels[0]?.length ?? 0;
    if (this.#at < length) return;
    this.#at -= length;
    this.#packets.shift();
    if (this.#packets.length > 0) return;
    this.#at = 0;
    this.#filling = true;
    this.counts.underruns += 1;
    this.#calmMs = 0;
    this.#target = Math.min(MAX_TARGET_MS, this.#target + STEP_MS);
  }
}
