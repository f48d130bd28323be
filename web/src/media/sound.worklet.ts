// The audio worklet: plays what comes through its port, and tells ten times a second how far it is.

import type { Packet } from "./ring.ts";
import { SoundRing } from "./ring.ts";

declare const sampleRate: number;
declare const currentTime: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

/** What the worklet is sent: a port on which packets come. */
export interface SoundLink {
  readonly port: MessagePort;
}

/** What the worklet tells through that port. */
export interface SoundPosition {
  /** Presentation time of what the speaker gets now, in microseconds; `null`: silence. */
  readonly position: number | null;
  readonly depthMs: number;
  readonly underruns: number;
}

const TELL_EVERY = 0.1;

class Speaker extends AudioWorkletProcessor {
  readonly #ring = new SoundRing();
  #link: MessagePort | null = null;
  #told = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<SoundLink>) => {
      this.#link?.close();
      this.#ring.clear();
      this.#link = data.port;
      this.#link.onmessage = (event: MessageEvent<Packet>) => this.#ring.push(event.data);
    };
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const [out] = outputs;
    if (currentTime - this.#told >= TELL_EVERY) {
      this.#told = currentTime;
      const { position, depthMs, counts } = this.#ring;
      const told: SoundPosition = { position, depthMs, underruns: counts.underruns };
      this.#link?.postMessage(told);
    }
    if (out !== undefined) this.#ring.read(out, sampleRate);
    return true;
  }
}

registerProcessor("bartizan-speaker", Speaker);
