// The audio worklet: plays what comes through its port, and tells ten times a second what is heard.

import type { Packet } from "./ring.ts";
import { SoundRing } from "./ring.ts";

declare const sampleRate: number;
declare const currentTime: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

/** What the page tells the worklet: where commands come from, or how long its sound takes to the ear. */
export type SoundLink =
  | { readonly kind: "port"; readonly port: MessagePort }
  | { readonly kind: "latency"; readonly ms: number };

/** What comes through that port. */
export type SoundCommand =
  | { readonly kind: "packet"; readonly packet: Packet }
  /** Holds sound so that it is not before its picture. */
  | { readonly kind: "hold"; readonly ms: number }
  /** Silence, and nothing of before. */
  | { readonly kind: "clear" };

/** What the worklet tells through it. */
export interface SoundReport {
  /** Presentation time of what is heard now, in microseconds; `null`: silence. */
  readonly heard: number | null;
  /** How often that has leapt. */
  readonly leaps: number;
  readonly depthMs: number;
}

const TELL_EVERY = 0.1;

class Speaker extends AudioWorkletProcessor {
  #ring = new SoundRing();
  #link: MessagePort | null = null;
  #latencyMs = 0;
  #told = 0;
  #leaps = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<SoundLink>) => {
      if (data.kind === "latency") this.#latencyMs = data.ms;
      else this.#follow(data.port);
    };
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const [out] = outputs;
    const leapt = this.#ring.counts.leaps !== this.#leaps;
    if (leapt || currentTime - this.#told >= TELL_EVERY) this.#tell();
    if (out !== undefined) this.#ring.read(out, sampleRate);
    return true;
  }

  #follow(port: MessagePort): void {
    this.#link?.close();
    this.#ring.clear();
    this.#link = port;
    port.onmessage = ({ data }: MessageEvent<SoundCommand>) => {
      if (data.kind === "packet") this.#ring.push(data.packet);
      else if (data.kind === "hold") this.#ring.hold(data.ms);
      else this.#ring.clear();
    };
  }

  #tell(): void {
    const { position, depthMs, counts } = this.#ring;
    this.#told = currentTime;
    this.#leaps = counts.leaps;
    const heard = position === null ? null : position - this.#latencyMs * 1_000;
    const report: SoundReport = { heard, leaps: counts.leaps, depthMs };
    this.#link?.postMessage(report);
  }
}

registerProcessor("bartizan-speaker", Speaker);
