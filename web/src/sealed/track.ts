// A track's configuration: all that a decoder must know before the first frame (docs/sealed-stream.md §6).
// It names the codec; turning that into a decoder's own configuration is the player's work.

import type { Bytes } from "../domain/bytes.ts";
import { demand, refuse } from "../domain/errors.ts";
import { Reader } from "../domain/wire.ts";
import type { Track } from "./record.ts";

/** Largest codec configuration (`avcC`, `hvcC` …) in bytes. */
export const MAX_CODEC_EXTRA = 4_096;

/** Codecs that are recorded as they come, by their code. */
export const CODECS = { 1: "h264", 2: "h265", 3: "aac", 4: "pcmu", 5: "pcma", 6: "opus" } as const;
export type Codec = (typeof CODECS)[keyof typeof CODECS];
export type VideoCodec = "h264" | "h265";

interface Common {
  /** Ticks a second of this track's times. */
  readonly timescale: number;
  /** 14496-15 §5.3.3.1 or §8.3.3.1, 14496-3 §1.6.2.1, `dOps` body, or nothing (G.711). */
  readonly extra: Bytes;
}

/** Width and height in pixels. */
export interface VideoConfig extends Common {
  readonly track: "video";
  readonly codec: VideoCodec;
  readonly width: number;
  readonly height: number;
}

/** Sample rate in Hz. */
export interface AudioConfig extends Common {
  readonly track: "audio";
  readonly codec: Exclude<Codec, VideoCodec>;
  readonly sampleRate: number;
  readonly channels: number;
}

/** Events (JSON) and thumbnails (JPEG) need no configuration; their times are milliseconds. */
export interface PlainConfig {
  readonly track: "event" | "thumbnail";
  readonly timescale: 1_000;
}

export type TrackConfig = VideoConfig | AudioConfig | PlainConfig;

/** Reads the configuration that a frame of `track` carries. */
export function decodeTrackConfig(bytes: Bytes, track: Track): TrackConfig {
  if (track === "event" || track === "thumbnail") {
    demand(bytes.length === 0, "trailing", "configuration");
    return { track, timescale: 1_000 };
  }
  const input = new Reader(bytes);
  const code = input.u8("codec");
  const codec = (CODECS as { [code: number]: Codec })[code] ?? refuse("unknown", "codec");
  const timescale = input.u32("timescale");
  demand(timescale > 0, "unknown", "timescale");
  const [a, b] = [input.u32("width or rate"), input.u32("height or channels")];
  const isVideo = codec === "h264" || codec === "h265";
  demand(isVideo ? a <= 0xffff && b <= 0xffff : b <= 0xff, "unknown", "configuration");
  const extra = input.vec16("codec extra", MAX_CODEC_EXTRA);
  input.finish("configuration");
  demand(isVideo === (track === "video"), "unknown", "codec");
  return isVideo
    ? { track: "video", codec, timescale, extra, width: a, height: b }
    : { track: "audio", codec, timescale, extra, sampleRate: a, channels: b };
}
