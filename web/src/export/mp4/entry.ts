// Sample entries: how a track's configuration is written into `stsd` (14496-12 §8.5.2, -14 §5.6, -15 §5.4.2 and
// §8.4.1, Opus in ISOBMFF §4.3). G.711 has the `ulaw` and `alaw` of QuickTime, with a packet a sample.

import type { AudioConfig, VideoConfig } from "../../sealed/track.ts";
import type { Boxes } from "./boxes.ts";

/** Samples of one AAC access unit (14496-3 §4.5.1.1). */
const AAC_SAMPLES = 1_024;

/** Opus always counts at this rate (RFC 7845 §4). */
export const OPUS_RATE = 48_000;

/** Picture or sound. */
export type MediaConfig = VideoConfig | AudioConfig;

/** Whether both are one configuration. */
export function sameConfig(a: MediaConfig, b: MediaConfig): boolean {
  const shape = a.codec === b.codec && a.timescale === b.timescale;
  const size =
    a.track === "video"
      ? b.track === "video" && a.width === b.width && a.height === b.height
      : b.track === "audio" && a.sampleRate === b.sampleRate && a.channels === b.channels;
  const extra =
    a.extra.length === b.extra.length && a.extra.every((byte, at) => byte === b.extra[at]);
  return shape && size && extra;
}

/** How long the access unit `data` lasts by itself, in ticks; `null`: it does not say. */
export function ticksOf(config: MediaConfig, data: Uint8Array): number | null {
  if (config.track === "video") return null;
  const seconds = secondsOf(config, data);
  return seconds === null ? null : Math.round(seconds * config.timescale);
}

function secondsOf({ codec, sampleRate, channels }: AudioConfig, data: Uint8Array): number | null {
  if (codec === "aac") return AAC_SAMPLES / sampleRate;
  if (codec === "opus") return opusSeconds(data);
  return data.length / Math.max(1, channels) / sampleRate;
}

/** RFC 6716 §3.1 and §3.2: the length of a packet, from its first bytes. */
function opusSeconds(data: Uint8Array): number | null {
  const [toc, count] = data;
  if (toc === undefined) return null;
  const config = toc >> 3;
  const silk = [10, 20, 40, 60][config & 3] ?? 20;
  const hybrid = [10, 20][config & 1] ?? 20;
  const celt = [2.5, 5, 10, 20][config & 3] ?? 20;
  const frame = config < 12 ? silk : config < 16 ? hybrid : celt;
  const frames = [1, 2, 2, (count ?? 1) & 63][toc & 3] ?? 1;
  return (frame * frames) / 1_000;
}

/** Ticks at the start that a player decodes but does not play (Opus `PreSkip`). */
export function preSkipTicks(config: MediaConfig): number {
  if (config.codec !== "opus" || config.extra.length < 4) return 0;
  const skip = ((config.extra[2] ?? 0) << 8) | (config.extra[3] ?? 0);
  return Math.floor((skip * config.timescale) / OPUS_RATE);
}

/** Writes the sample entry. */
export function writeEntry(out: Boxes, config: MediaConfig): void {
  const kinds = {
    h264: "avc1",
    h265: "hvc1",
    aac: "mp4a",
    opus: "Opus",
    pcmu: "ulaw",
    pcma: "alaw",
  };
  const inner = { h264: "avcC", h265: "hvcC", opus: "dOps", aac: null, pcmu: null, pcma: null };
  out.boxed(kinds[config.codec], () => {
    out.zeros(6).u16(1); // reserved, data_reference_index
    if (config.track === "video") picture(out, config);
    else sound(out, config);
    const kind = inner[config.codec];
    if (kind !== null) out.boxed(kind, () => out.bytes(config.extra));
    else if (config.codec === "aac") esds(out, config.extra);
  });
}

/** `VisualSampleEntry` (14496-12 §12.1.3). */
function picture(out: Boxes, { width, height }: VideoConfig): void {
  const dpi72 = 0x0048_0000;
  out.zeros(16).u16(width).u16(height).u32(dpi72).u32(dpi72).zeros(4);
  out.u16(1).zeros(32).u16(0x0018).u16(0xffff); // one frame a sample, no name, colour without alpha
}

/** `AudioSampleEntry` (14496-12 §12.2.3). */
function sound(out: Boxes, { codec, sampleRate, channels }: AudioConfig): void {
  // 16.16 holds up to 65,535 Hz; above that the decoder's own configuration tells the rate.
  const rate = codec === "opus" ? OPUS_RATE : sampleRate;
  out.zeros(8).u16(channels).u16(16).zeros(4);
  out.u16(rate > 0xffff ? 0 : rate).u16(0);
}

/** `ESDBox` (14496-14 §5.6.1) with the descriptors of 14496-1 §7.2.6. */
function esds(out: Boxes, config: Uint8Array): void {
  const [es, decoderConfig, decoderSpecific, syncLayer] = [3, 4, 5, 6];
  const decoder = [0x40, 0x15, ...new Uint8Array(11), ...descriptor(decoderSpecific, [...config])];
  const stream = [0, 0, 0, ...descriptor(decoderConfig, decoder), ...descriptor(syncLayer, [2])];
  out.full("esds", 0, 0, () => out.bytes(Uint8Array.from(descriptor(es, stream))));
}

/** A descriptor with its expandable size of four bytes (14496-1 §8.3.3). */
function descriptor(tag: number, body: readonly number[]): number[] {
  const seven = (shift: number) => (body.length >> shift) & 0x7f;
  return [tag, 0x80 | seven(21), 0x80 | seven(14), 0x80 | seven(7), seven(0), ...body];
}
