// Pictures out of access units with WebCodecs: one first-in first-out in front of a `VideoDecoder` that gets a few
// units at a time, so that what waits can still be dropped. Whole rests of groups are dropped, never single units:
// every picture leans on the one before it. It knows no network, canvas or clock.

import type { Bytes } from "../domain/bytes.ts";
import type { VideoConfig } from "../sealed/track.ts";
import { sameVideo, videoDecoderConfig } from "./codec.ts";
import { unitWithoutReordering } from "./sps.ts";

/** Units inside the decoder at once. */
const IN_FLIGHT = 8;

/** After so many failures in a row without a picture it is given up. */
const MAX_FAILURES = 3;

/** One access unit. */
export interface Unit {
  readonly key: boolean;
  /** Presentation time in microseconds: grows from unit to unit, but for reordered pictures. */
  readonly timestamp: number;
  readonly data: Bytes;
  /** Where it starts or changes. */
  readonly config: VideoConfig | null;
  /** Decode time minus presentation time in microseconds: below zero where pictures are reordered. */
  readonly decodeOffset: number;
}

/** Why there is no picture. */
export type DecodeProblem =
  | { readonly kind: "unsupported"; readonly config: VideoConfig }
  | { readonly kind: "failed" };

export interface DecoderEvents {
  /** The receiver closes it. */
  picture(frame: VideoFrame): void;
  problem(problem: DecodeProblem): void;
}

/** Decodes one stream. */
export class PictureDecoder {
  readonly #events: DecoderEvents;
  readonly #waiting: Unit[] = [];
  #decoder: VideoDecoder | null = null;
  #config: VideoConfig | null = null;
  #inOrder = true;
  #needsKey = true;
  #needsConfigure = true;
  #failures = 0;
  /** The latest presentation time that came out. */
  #last = Number.NEGATIVE_INFINITY;
  #pumping = false;
  #closed = false;

  constructor(events: DecoderEvents) {
    this.#events = events;
  }

  /** Units that came and are not decoded yet. */
  get waiting(): number {
    return this.#waiting.length + (this.#decoder?.decodeQueueSize ?? 0);
  }

  /** The configuration that is in use. */
  get config(): VideoConfig | null {
    return this.#config;
  }

  /** Takes the next unit; those before the first key are left out. */
  push(unit: Unit): void {
    if (this.#closed || (this.#needsKey && !unit.key)) return;
    this.#needsKey = false;
    if (unit.decodeOffset < 0 && this.#inOrder) this.#seenReordered();
    this.#waiting.push(unit);
    void this.#pump();
  }

  /** Drops what waits; goes on with the next key. Gives how many units were dropped. */
  dropToKey(): number {
    const dropped = this.waiting;
    this.#waiting.length = 0;
    this.#needsKey = true;
    this.#needsConfigure = true;
    if (this.#decoder?.state === "configured") this.#decoder.reset();
    return dropped;
  }

  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
    if (this.#decoder !== null && this.#decoder.state !== "closed") this.#decoder.close();
    this.#decoder = null;
  }

  /** From the next key on the decoder may hold pictures back. */
  #seenReordered(): void {
    this.#inOrder = false;
    this.#needsConfigure = true;
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let unit = this.#waiting[0]; unit !== undefined; unit = this.#waiting[0]) {
        if (unit.key) await this.#prepare(unit);
        await this.#room();
        // Meanwhile everything may have been dropped.
        if (this.#waiting[0] !== unit) continue;
        this.#waiting.shift();
        this.#decode(unit);
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** Configures before a key where it must; pictures of before come out first. */
  async #prepare(unit: Unit): Promise<void> {
    const config = unit.config ?? this.#config;
    if (config === null) return;
    const changed = this.#config === null || !sameVideo(this.#config, config);
    if (!changed && !this.#needsConfigure && this.#decoder?.state === "configured") return;
    const wanted = videoDecoderConfig(config, this.#inOrder);
    const fits = wanted !== null && (await isSupported(wanted));
    if (this.#closed || this.#waiting[0] !== unit) return;
    this.#config = config;
    if (wanted === null || !fits) return this.#giveUp({ kind: "unsupported", config });
    if (this.#decoder?.state === "configured") await this.#decoder.flush().catch(() => undefined);
    if (this.#closed) return;
    if (this.#decoder === null || this.#decoder.state === "closed") this.#decoder = this.#create();
    const software = this.#failures > 1 ? { hardwareAcceleration: "prefer-software" as const } : {};
    this.#decoder.configure({ ...wanted, ...software });
    this.#needsConfigure = false;
  }

  #create(): VideoDecoder {
    const decoder = new VideoDecoder({
      output: (frame) => this.#output(frame),
      error: () => this.#failed(decoder),
    });
    return decoder;
  }

  #output(frame: VideoFrame): void {
    this.#failures = 0;
    const backwards = frame.timestamp < this.#last;
    this.#last = Math.max(this.#last, frame.timestamp);
    if (backwards && this.#inOrder) this.#seenReordered();
    if (this.#closed || backwards) frame.close();
    else this.#events.picture(frame);
  }

  async #room(): Promise<void> {
    const decoder = this.#decoder;
    while (decoder?.state === "configured" && decoder.decodeQueueSize >= IN_FLIGHT) {
      await new Promise<void>((resolve) => {
        decoder.addEventListener("dequeue", () => resolve(), { once: true });
        // A decoder that fails or is reset tells of no dequeue.
        setTimeout(resolve, 250);
      });
    }
  }

  #decode({ key, timestamp, data }: Unit): void {
    if (this.#decoder?.state !== "configured") return;
    const rewrite = key && this.#inOrder && this.#config?.codec === "h264";
    const type = key ? "key" : "delta";
    const bytes = rewrite ? unitWithoutReordering(data) : data;
    try {
      this.#decoder.decode(new EncodedVideoChunk({ type, timestamp, data: bytes }));
    } catch {
      this.#failed(this.#decoder);
    }
  }

  /** The decoder is gone (bad data, or the browser wants it back): another one starts at the next key. */
  #failed(decoder: VideoDecoder): void {
    if (this.#closed || decoder !== this.#decoder) return;
    this.#decoder = null;
    if (decoder.state !== "closed") decoder.close();
    this.#failures += 1;
    if (this.#failures > MAX_FAILURES) return this.#giveUp({ kind: "failed" });
    this.dropToKey();
  }

  #giveUp(problem: DecodeProblem): void {
    this.close();
    this.#events.problem(problem);
  }
}

const supported = new Map<string, Promise<boolean>>();

/** Whether the browser decodes this; asked once for each codec and size. */
function isSupported(config: VideoDecoderConfig): Promise<boolean> {
  const name = `${config.codec} ${config.codedWidth}x${config.codedHeight}`;
  const known = supported.get(name);
  if (known !== undefined) return known;
  const answer = VideoDecoder.isConfigSupported(config).then(
    (said) => said.supported === true,
    () => false,
  );
  supported.set(name, answer);
  return answer;
}
