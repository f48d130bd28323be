// G.711 sound (ITU-T G.711): every byte is one sample, looked up in a table.

import type { Bytes } from "../domain/bytes.ts";

const SCALE = 1 / 32_768;

function muLaw(byte: number): number {
  const code = ~byte & 0xff;
  const magnitude = (((code & 15) << 3) + 132) << ((code >> 4) & 7);
  return ((code & 128) !== 0 ? 132 - magnitude : magnitude - 132) * SCALE;
}

function aLaw(byte: number): number {
  const code = byte ^ 0x55;
  const segment = (code >> 4) & 7;
  const step = ((code & 15) << 4) + 8;
  const magnitude = segment === 0 ? step : (step + 256) << (segment - 1);
  return ((code & 128) !== 0 ? magnitude : -magnitude) * SCALE;
}

const table = (of: (byte: number) => number): Float32Array =>
  Float32Array.from({ length: 256 }, (_, byte) => of(byte));

const TABLES = { pcmu: table(muLaw), pcma: table(aLaw) } as const;

/** The samples of each channel, between -1 and 1. */
export function decodeG711(
  law: keyof typeof TABLES,
  data: Bytes,
  channels: number,
): Float32Array<ArrayBuffer>[] {
  const values = TABLES[law];
  const frames = Math.floor(data.length / channels);
  return Array.from({ length: channels }, (_, channel) => {
    const sample = (_: unknown, at: number) => values[data[at * channels + channel] ?? 0] ?? 0;
    return Float32Array.from({ length: frames }, sample);
  });
}
