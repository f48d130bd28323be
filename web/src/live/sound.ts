// Sound inside the worker: decoded with WebCodecs (AAC, Opus) or by table (G.711), and sent to the audio worklet. It
// knows where the speaker is, so that pictures can wait for their sound.

import { audioDecoderConfig } from "../media/codec.ts";
import { decodeG711 } from "../media/g711.ts";
import type { Packet } from "../media/ring.ts";
import type { SoundPosition } from "../media/sound.worklet.ts";
import { localNow } from "./clock.ts";
import type { RunSound } from "./run.ts";

/** A position that is older than this, in milliseconds, tells nothing any more. */
const STALE_MS = 500;

/** Plays the sound of one tile. */
export class Speaker {
  readonly #port: MessagePort;
  readonly #latencyMs: number;
  readonly #unsupported: () => void;
  #decoder: AudioDecoder | null = null;
  #config: RunSound["config"] | null = null;
  #position: { at: number; micros: number } | null = null;

  /** `port` leads to the worklet; `latencyMs`: from there to the ear. `unsupported` is told once. */
  constructor(port: MessagePort, latencyMs: number, unsupported: () => void) {
    this.#port = port;
    this.#latencyMs = latencyMs;
    this.#unsupported = unsupported;
    port.onmessage = ({ data }: MessageEvent<SoundPosition>) => {
      const { position } = data;
      this.#position = position === null ? null : { at: localNow(), micros: position };
    };
  }

  /** Presentation time of what is heard now, in microseconds; `null`: silence. */
  clock(): number | null {
    const known = this.#position;
    const since = known === null ? 0 : localNow() - known.at;
    if (known === null || since > STALE_MS) return null;
    return known.micros + (since - this.#latencyMs) * 1_000;
  }

  push(sound: RunSound): void {
    const { config, data, timestamp } = sound;
    if (config.codec === "pcmu" || config.codec === "pcma") {
      const channels = decodeG711(config.codec, data, Math.max(1, config.channels));
      return this.#send({ channels, rate: config.sampleRate, timestamp });
    }
    if (config !== this.#config) this.#configure(config);
    if (this.#decoder?.state !== "configured") return;
    try {
      this.#decoder.decode(new EncodedAudioChunk({ type: "key", timestamp, data }));
    } catch {
      this.#giveUp();
    }
  }

  close(): void {
    if (this.#decoder !== null && this.#decoder.state !== "closed") this.#decoder.close();
    this.#decoder = null;
    this.#port.close();
  }

  #configure(config: RunSound["config"]): void {
    this.#config = config;
    if (this.#decoder !== null && this.#decoder.state !== "closed") this.#decoder.close();
    this.#decoder = null;
    const wanted = audioDecoderConfig(config);
    if (wanted === null || typeof AudioDecoder === "undefined") return this.#giveUp();
    const decoder = new AudioDecoder({
      output: (data) => this.#decoded(data),
      error: () => this.#giveUp(),
    });
    this.#decoder = decoder;
    try {
      decoder.configure(wanted);
    } catch {
      this.#giveUp();
    }
  }

  #decoded(data: AudioData): void {
    const { numberOfChannels, numberOfFrames, sampleRate, timestamp } = data;
    const channels = Array.from({ length: numberOfChannels }, (_, planeIndex) => {
      const samples = new Float32Array(numberOfFrames);
      data.copyTo(samples, { planeIndex, format: "f32-planar" });
      return samples;
    });
    data.close();
    this.#send({ channels, rate: sampleRate, timestamp });
  }

  #send(packet: Packet): void {
    const buffers = packet.channels.map((samples) => samples.buffer as ArrayBuffer);
    this.#port.postMessage(packet, buffers);
  }

  #giveUp(): void {
    this.#decoder = null;
    this.#unsupported();
  }
}

/** The sound of a tile: off, on, or asked for and not to be played here. */
export class TileSound {
  readonly #changed: () => void;
  #speaker: Speaker | null = null;
  #fails = false;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get state(): "off" | "on" | "fails" {
    if (this.#fails) return "fails";
    return this.#speaker === null ? "off" : "on";
  }

  /** Plays through `port`, or nothing. Gives where the speaker is. */
  set(port: MessagePort | null, latencyMs: number): (() => number | null) | null {
    this.#speaker?.close();
    this.#fails = false;
    this.#speaker = null;
    if (port === null) return null;
    const speaker = new Speaker(port, latencyMs, () => {
      this.#fails = true;
      this.#changed();
    });
    this.#speaker = speaker;
    return () => speaker.clock();
  }

  push(sound: RunSound): void {
    this.#speaker?.push(sound);
  }

  close(): void {
    this.#speaker?.close();
  }
}
