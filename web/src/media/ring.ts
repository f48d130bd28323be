// Sound between its decoder and the speaker. It holds what the network's unrest takes, catches up by playing a little faster
// or, far behind, by a cut, and never clicks. It runs inside the audio worklet and knows no browser object.

import { Patience, RESERVE_MS } from "./patience.ts";
import { Seam } from "./seam.ts";

/** Sound that is held before the first is played, in milliseconds; more where the reserve was too small. */
export const START_MS = 40;

/** So much more than that is not made up for by speed but cut out, in milliseconds. */
export const CUT_MS = 200;

/** Packets whose times are this far apart do not follow each other, in microseconds. */
const APART_US = 5_000;

/** Decoded sound of one packet. */
export interface Packet {
  /** Samples of each channel, between -1 and 1. */
  readonly channels: readonly Float32Array[];
  readonly rate: number;
  /** Presentation time of its first sample, in microseconds. */
  readonly timestamp: number;
}

const lengthOf = ({ channels }: Packet): number => channels[0]?.length ?? 0;

/** A first-in first-out of packets, read at whatever rate the speaker has. */
export class SoundRing {
  readonly #packets: Packet[] = [];
  readonly #patience = new Patience();
  readonly #seam = new Seam();
  /** Samples of the first packet that were read, with a fraction. */
  #at = 0;
  #filling = true;
  /** How often it ran dry and was cut, and how often its position leapt for whatever reason. */
  readonly counts = { underruns: 0, cuts: 0, leaps: 0 };

  /** Takes the next packet. */
  push(packet: Packet): void {
    if (lengthOf(packet) > 0 && packet.rate > 0) this.#packets.push(packet);
  }

  /** Holds so many milliseconds more than it needs. */
  hold(ms: number): void {
    this.#patience.holdMs = ms;
  }

  /** Sound that is held, in milliseconds. */
  get depthMs(): number {
    let seconds = 0;
    for (const packet of this.#packets) seconds += lengthOf(packet) / packet.rate;
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
    const length = out[0]?.length ?? 0;
    const speed = this.#prepare((length * 1_000) / rate);
    for (let at = 0; at < length; at += 1) {
      const packet = this.#filling ? undefined : this.#packets[0];
      for (const [index, channel] of out.entries()) {
        channel[at] = packet === undefined ? 0 : this.#sample(packet, index);
      }
      this.#seam.join(out, at, rate);
      if (packet !== undefined) this.#advance((packet.rate / rate) * speed);
    }
  }

  /** Forgets what was not played. */
  clear(): void {
    this.#packets.length = 0;
    this.#stop();
    this.#patience.restart();
  }

  /** Starts, cuts, and gives how fast to play the next `ms` milliseconds. */
  #prepare(ms: number): number {
    const start = START_MS - RESERVE_MS + this.#patience.wanted;
    if (this.depthMs > start + CUT_MS) this.#cut(this.depthMs - start);
    if (this.#filling && this.depthMs >= start) this.#start();
    if (this.#filling) return 1;
    this.#patience.note(this.depthMs, ms);
    const { speed } = this.#patience;
    this.#patience.taken(ms * (speed - 1));
    return speed;
  }

  #start(): void {
    this.#filling = false;
    this.#leap();
  }

  #stop(): void {
    this.#at = 0;
    if (!this.#filling) this.#leap();
    this.#filling = true;
  }

  /** The position goes elsewhere. */
  #leap(): void {
    this.counts.leaps += 1;
    this.#seam.cut();
  }

  /** Leaves out the oldest `ms` milliseconds. */
  #cut(ms: number): void {
    let left = ms / 1_000;
    for (let first = this.#packets[0]; first !== undefined && left > 0; first = this.#packets[0]) {
      const held = (lengthOf(first) - this.#at) / first.rate;
      if (held > left) {
        this.#at += left * first.rate;
        break;
      }
      left -= held;
      this.#at = 0;
      this.#packets.shift();
    }
    this.counts.cuts += 1;
    this.#patience.restart();
    this.#leap();
  }

  /** Between the two samples around the place; mono goes to every speaker. */
  #sample({ channels }: Packet, index: number): number {
    const samples = channels[Math.min(index, channels.length - 1)];
    const [place, part] = [Math.floor(this.#at), this.#at % 1];
    const here = samples?.[place] ?? 0;
    const next = samples?.[place + 1] ?? this.#firstOfNext(index) ?? here;
    return here + (next - here) * part;
  }

  /** The sample that follows the first packet's last. */
  #firstOfNext(index: number): number | undefined {
    const channels = this.#packets[1]?.channels;
    return channels?.[Math.min(index, channels.length - 1)]?.[0];
  }

  #advance(step: number): void {
    this.#at += step;
    const [first, next] = this.#packets;
    if (first === undefined || this.#at < lengthOf(first)) return;
    this.#packets.shift();
    if (next === undefined) return this.#dry();
    this.#at -= lengthOf(first);
    const end = first.timestamp + (lengthOf(first) / first.rate) * 1e6;
    if (Math.abs(next.timestamp - end) > APART_US) this.#leap();
  }

  #dry(): void {
    this.counts.underruns += 1;
    this.#patience.dry();
    this.#stop();
  }
}
