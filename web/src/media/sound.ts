// Sound inside a worker: decoded with WebCodecs (AAC, Opus) or by table (G.711), and sent to the audio worklet. It
// knows when what is heard, so that sound and picture stay together. Live and playback use it.

import type { Bytes } from "../domain/bytes.ts";
import type { AudioConfig } from "../sealed/track.ts";
import { audioDecoderConfig, sameAudio } from "./codec.ts";
import { decodeG711 } from "./g711.ts";
import type { Packet } from "./ring.ts";
import type { SoundCommand, SoundReport } from "./sound.worklet.ts";
import type { SoundSide } from "./sync.ts";
import { SoundClock, SoundHold } from "./sync.ts";

/** A packet of sound as the camera sent it. */
export interface SoundPacket {
  readonly config: AudioConfig;
  readonly data: Bytes;
  /** Presentation time in microseconds. */
  readonly timestamp: number;
}

export interface SpeakerOptions {
  /** For how many milliseconds sound is held at first. */
  readonly holdMs?: number;
  /** Told when it is found that this sound can't be decoded, and when another one can. */
  decodes(yes: boolean): void;
}

/** Plays the sound of one camera. */
export class Speaker implements SoundSide {
  readonly #port: MessagePort;
  readonly #options: SpeakerOptions;
  readonly #clock = new SoundClock();
  readonly #hold: SoundHold;
  #decoder: AudioDecoder | null = null;
  #config: AudioConfig | null = null;
  #decodes = true;

  /** `port` leads to the worklet. */
  constructor(port: MessagePort, options: SpeakerOptions) {
    this.#port = port;
    this.#options = options;
    this.#hold = new SoundHold(options.holdMs ?? 0);
    port.onmessage = ({ data }: MessageEvent<SoundReport>) => {
      this.#clock.tell(data.heard, data.leaps, performance.now());
    };
    this.#send({ kind: "hold", ms: this.#hold.ms });
  }

  dueMs(timestamp: number): number | null {
    const heard = this.#clock.heard(performance.now());
    return heard === null ? null : timestamp / 1_000 - heard;
  }

  seen(timestamp: number): void {
    const soundMs = this.dueMs(timestamp);
    if (soundMs === null) return this.#hold.restart();
    const changed = this.#hold.note(soundMs, performance.now());
    if (changed) this.#send({ kind: "hold", ms: this.#hold.ms });
  }

  push({ config, data, timestamp }: SoundPacket): void {
    if (this.#config === null || !sameAudio(this.#config, config)) this.#configure(config);
    if (config.codec === "pcmu" || config.codec === "pcma") {
      const channels = decodeG711(config.codec, data, Math.max(1, config.channels));
      return this.#play({ channels, rate: config.sampleRate, timestamp });
    }
    if (this.#decoder?.state !== "configured") return;
    try {
      this.#decoder.decode(new EncodedAudioChunk({ type: "key", timestamp, data }));
    } catch {
      this.#fail();
    }
  }

  /** Silence: what was not heard yet is never heard. */
  clear(): void {
    this.#endDecoder();
    this.#config = null;
    this.#hold.restart();
    this.#send({ kind: "clear" });
  }

  close(): void {
    this.clear();
    this.#port.close();
  }

  #configure(config: AudioConfig): void {
    this.#config = config;
    this.#endDecoder();
    if (config.codec === "pcmu" || config.codec === "pcma") return;
    const wanted = audioDecoderConfig(config);
    if (wanted === null || typeof AudioDecoder === "undefined") return this.#fail();
    const decoder = new AudioDecoder({
      output: (data) => this.#decoded(data),
      error: () => this.#fail(),
    });
    this.#decoder = decoder;
    try {
      decoder.configure(wanted);
    } catch {
      this.#fail();
    }
  }

  #endDecoder(): void {
    if (this.#decoder !== null && this.#decoder.state !== "closed") this.#decoder.close();
    this.#decoder = null;
  }

  #decoded(data: AudioData): void {
    const { numberOfChannels, numberOfFrames, sampleRate, timestamp } = data;
    const channels = Array.from({ length: numberOfChannels }, (_, planeIndex) => {
      const samples = new Float32Array(numberOfFrames);
      data.copyTo(samples, { planeIndex, format: "f32-planar" });
      return samples;
    });
    data.close();
    this.#play({ channels, rate: sampleRate, timestamp });
  }

  #play(packet: Packet): void {
    this.#tell(true);
    const buffers = packet.channels.map((samples) => samples.buffer as ArrayBuffer);
    this.#send({ kind: "packet", packet }, buffers);
  }

  #fail(): void {
    this.#decoder = null;
    this.#tell(false);
  }

  #tell(decodes: boolean): void {
    if (decodes === this.#decodes) return;
    this.#decodes = decodes;
    this.#options.decodes(decodes);
  }

  #send(command: SoundCommand, transfer: Transferable[] = []): void {
    this.#port.postMessage(command, transfer);
  }
}
