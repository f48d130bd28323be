// What the browser must be told of a track before it decodes: names of codecs (RFC 6381) and decoders'
// configurations, out of a track's configuration. Foreign bytes: whatever makes no sense gives `null`.

import type { Bytes } from "../domain/bytes.ts";
import { equal } from "../domain/bytes.ts";
import type { AudioConfig, Codec, VideoConfig } from "../sealed/track.ts";
import { avccWithoutReordering } from "./sps.ts";

/** How people call a codec. */
export const CODEC_NAMES: { readonly [codec in Codec]: string } = {
  h264: "H.264",
  h265: "H.265",
  aac: "AAC",
  pcmu: "G.711 µ-law",
  pcma: "G.711 A-law",
  opus: "Opus",
};

const hex = (value: number): string => value.toString(16).padStart(2, "0");

/** `avc1.PPCCLL` or `hvc1.…` of a video track. */
export function videoCodecString({ codec, extra }: VideoConfig): string | null {
  return codec === "h264" ? avcString(extra) : hevcString(extra);
}

/** 14496-15 §5.3.3.1: profile, compatibility and level are bytes 1 to 3. */
function avcString(avcc: Bytes): string | null {
  const [version, profile, compatible, level] = avcc;
  if (version !== 1 || profile === undefined || compatible === undefined) return null;
  return level === undefined ? null : `avc1.${hex(profile)}${hex(compatible)}${hex(level)}`;
}

/** 14496-15 §E.3: profile space, idc, reversed compatibility, tier and level, constraint bytes. */
function hevcString(hvcc: Bytes): string | null {
  const [version, general] = hvcc;
  const level = hvcc[12];
  if (version !== 1 || general === undefined || level === undefined) return null;
  const space = ["", "A", "B", "C"][general >> 6] ?? "";
  const view = new DataView(hvcc.buffer, hvcc.byteOffset, hvcc.byteLength);
  const tier = (general >> 5) & 1 ? "H" : "L";
  const constraints = [...hvcc.subarray(6, 12)];
  while (constraints.at(-1) === 0) constraints.pop();
  const flags = reversed(view.getUint32(2)).toString(16);
  const head = `hvc1.${space}${general & 31}.${flags}.${tier}${level}`;
  return [head, ...constraints.map((byte) => byte.toString(16))].join(".");
}

function reversed(value: number): number {
  let out = 0;
  for (let bit = 0; bit < 32; bit += 1) out = out * 2 + ((value >>> bit) & 1);
  return out;
}

/** The name of a sound's codec: `mp4a.40.2` or `opus`; `null` for G.711, which needs no decoder. */
export function audioCodecString({ codec, extra }: AudioConfig): string | null {
  if (codec === "opus") return "opus";
  const [first, second] = extra;
  if (codec !== "aac" || first === undefined || second === undefined) return null;
  // 14496-3 §1.6.2.1: five bits, or 31 and six more.
  const kind = first >> 3;
  return `mp4a.40.${kind < 31 ? kind : 32 + (((first & 7) << 3) | (second >> 5))}`;
}

/**
 * What a `VideoDecoder` is told. `inOrder`: no picture was seen out of order, so that the decoder is told
 * to hold none back.
 */
export function videoDecoderConfig(
  track: VideoConfig,
  inOrder: boolean,
): VideoDecoderConfig | null {
  const codec = videoCodecString(track);
  if (codec === null) return null;
  const rewrite = inOrder && track.codec === "h264";
  return {
    codec,
    description: rewrite ? avccWithoutReordering(track.extra) : track.extra,
    codedWidth: track.width,
    codedHeight: track.height,
    optimizeForLatency: true,
    hardwareAcceleration: "no-preference",
  };
}

/** What an `AudioDecoder` is told; `null` for sound that needs none or makes no sense. */
export function audioDecoderConfig(track: AudioConfig): AudioDecoderConfig | null {
  const codec = audioCodecString(track);
  if (codec === null) return null;
  const shape = { codec, sampleRate: track.sampleRate, numberOfChannels: track.channels };
  return codec === "opus" ? shape : { ...shape, description: track.extra };
}

/** Whether both configure a decoder alike. */
export function sameVideo(a: VideoConfig, b: VideoConfig): boolean {
  const shape = a.codec === b.codec && a.width === b.width && a.height === b.height;
  return shape && equal(a.extra, b.extra);
}

/** Whether both configure a decoder alike. */
export function sameAudio(a: AudioConfig, b: AudioConfig): boolean {
  const shape = a.codec === b.codec && a.sampleRate === b.sampleRate && a.channels === b.channels;
  return shape && a.timescale === b.timescale && equal(a.extra, b.extra);
}
