// What a worker's half of sound sends to the worklet, with a decoder and a port that only note what they are told.

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { AudioConfig } from "../sealed/track.ts";
import { Speaker } from "./sound.ts";
import type { SoundCommand } from "./sound.worklet.ts";

/** Decoders that were made. */
let decoders: Decoder[] = [];

class Decoder {
  state = "unconfigured";
  readonly given: number[] = [];
  readonly #error: () => void;

  constructor({ error }: { error: () => void }) {
    this.#error = error;
    decoders.push(this);
  }

  configure({ codec }: { codec: string }): void {
    if (codec === "opus") throw new DOMException("not here", "NotSupportedError");
    this.state = "configured";
  }

  decode({ timestamp }: { timestamp: number }): void {
    this.given.push(timestamp);
  }

  close(): void {
    this.state = "closed";
  }

  break(): void {
    this.state = "closed";
    this.#error();
  }
}

beforeEach(() => {
  decoders = [];
  vi.stubGlobal("AudioDecoder", Decoder);
  vi.stubGlobal(
    "EncodedAudioChunk",
    class {
      readonly timestamp: number;
      constructor({ timestamp }: { timestamp: number }) {
        this.timestamp = timestamp;
      }
    },
  );
});

afterEach(() => vi.unstubAllGlobals());

function listener() {
  const sent: SoundCommand[] = [];
  let closed = false;
  const port = {
    postMessage: (command: SoundCommand) => sent.push(command),
    close: () => {
      closed = true;
    },
  };
  const told: boolean[] = [];
  const speaker = new Speaker(port as unknown as MessagePort, { decodes: (yes) => told.push(yes) });
  return { speaker, told, sent, kinds: () => sent.map(({ kind }) => kind), isClosed: () => closed };
}

const shape = { track: "audio", timescale: 8_000, sampleRate: 8_000, channels: 1 } as const;
const law = (): AudioConfig => ({ ...shape, codec: "pcmu", extra: new Uint8Array() });
const aac = (): AudioConfig => ({ ...shape, codec: "aac", extra: Uint8Array.of(0x15, 0x88) });
const opus = (): AudioConfig => ({ ...shape, codec: "opus", extra: new Uint8Array() });
const packet = (config: AudioConfig, timestamp: number) => ({
  ...{ config, timestamp, data: new Uint8Array(160).fill(0xff) },
});

test("G.711 goes out as it comes, with its time", () => {
  const { speaker, sent } = listener();
  speaker.push(packet(law(), 20_000));
  expect(sent.at(-1)).toMatchObject({ kind: "packet", packet: { rate: 8_000, timestamp: 20_000 } });
});

test("a configuration that is told again keeps its decoder, another one gets another", () => {
  const { speaker } = listener();
  speaker.push(packet(aac(), 0));
  speaker.push(packet(aac(), 64_000));
  expect(decoders.map(({ given }) => given)).toEqual([[0, 64_000]]);
  speaker.push(packet({ ...aac(), sampleRate: 16_000 }, 128_000));
  expect(decoders.map(({ state }) => state)).toEqual(["closed", "configured"]);
  speaker.push(packet(law(), 192_000));
  expect(decoders.map(({ state }) => state)).toEqual(["closed", "closed"]);
});

test("what can't be decoded is told once, and that something else can", () => {
  const { speaker, told } = listener();
  speaker.push(packet(opus(), 0));
  speaker.push(packet(opus(), 20_000));
  expect(told).toEqual([false]);
  speaker.push(packet(law(), 40_000));
  expect(told).toEqual([false, true]);
  speaker.push(packet(aac(), 60_000));
  decoders.at(-1)?.break();
  speaker.push(packet(aac(), 80_000));
  expect(told).toEqual([false, true, false]);
});

test("after silence nothing of before is heard: neither what waits nor what is being decoded", () => {
  const { speaker, kinds, isClosed } = listener();
  speaker.push(packet(aac(), 0));
  speaker.clear();
  expect(decoders[0]?.state).toBe("closed");
  expect(kinds().at(-1)).toBe("clear");
  speaker.push(packet(aac(), 64_000));
  expect(decoders[1]?.given).toEqual([64_000]);
  speaker.close();
  expect(decoders[1]?.state).toBe("closed");
  expect(kinds().at(-1)).toBe("clear");
  expect(isClosed()).toBe(true);
});
