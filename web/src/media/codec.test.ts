// Names of codecs out of configurations.

import { expect, test } from "vitest";

import type { AudioConfig, VideoConfig } from "../sealed/track.ts";
import {
  audioCodecString,
  audioDecoderConfig,
  sameAudio,
  sameVideo,
  videoCodecString,
  videoDecoderConfig,
} from "./codec.ts";

const video = (codec: "h264" | "h265", ...extra: number[]): VideoConfig => ({
  ...{ track: "video", codec, timescale: 90_000, width: 640, height: 360 },
  extra: Uint8Array.from(extra),
});

const audio = (codec: AudioConfig["codec"], ...extra: number[]): AudioConfig => ({
  ...{ track: "audio", codec, timescale: 48_000, sampleRate: 48_000, channels: 2 },
  extra: Uint8Array.from(extra),
});

/** ISO/IEC 14496-15 §E.3: Main, level 3.1, general compatibility 0x60000000, progressive. */
const HVCC = [1, 1, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93, 0xf0];

test("H.264 and H.265 are named by profile and level", () => {
  expect(videoCodecString(video("h264", 1, 0x42, 0xc0, 0x1f))).toBe("avc1.42c01f");
  expect(videoCodecString(video("h265", ...HVCC))).toBe("hvc1.1.6.L93.b0");
  const high = [1, 0x62, 0x20, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 120];
  expect(videoCodecString(video("h265", ...high))).toBe("hvc1.A2.4.H120.90");
});

test("sound is named by its object type", () => {
  expect(audioCodecString(audio("aac", 0x11, 0x90))).toBe("mp4a.40.2");
  expect(audioCodecString(audio("aac", 0xf8, 0x40))).toBe("mp4a.40.34");
  expect(audioCodecString(audio("opus"))).toBe("opus");
  expect(audioCodecString(audio("pcmu"))).toBeNull();
});

test("a configuration that makes no sense has no name", () => {
  for (const extra of [[], [1], [2, 1, 1, 1], [1, 0x42]]) {
    expect(videoCodecString(video("h264", ...extra))).toBeNull();
    expect(videoDecoderConfig(video("h264", ...extra), true)).toBeNull();
    expect(videoCodecString(video("h265", ...extra))).toBeNull();
  }
  expect(audioDecoderConfig(audio("aac"))).toBeNull();
});

test("decoders are told what they need", () => {
  expect(videoDecoderConfig(video("h264", 1, 0x42, 0xc0, 0x1f), false)).toMatchObject({
    ...{ codec: "avc1.42c01f", codedWidth: 640, optimizeForLatency: true },
  });
  expect(audioDecoderConfig(audio("opus", 1, 2))).not.toHaveProperty("description");
  expect(audioDecoderConfig(audio("aac", 0x11, 0x90))).toHaveProperty("description");
});

test("configurations are compared by what a decoder sees", () => {
  expect(sameVideo(video("h264", 1, 2), { ...video("h264", 1, 2), timescale: 1 })).toBe(true);
  expect(sameVideo(video("h264", 1, 2), video("h264", 1, 3))).toBe(false);
  expect(sameVideo(video("h264", 1, 2), video("h265", 1, 2))).toBe(false);
  expect(sameAudio(audio("aac", 1), audio("aac", 1))).toBe(true);
  expect(sameAudio(audio("aac", 1), audio("aac", 2))).toBe(false);
  expect(sameAudio(audio("aac", 1), { ...audio("aac", 1), channels: 1 })).toBe(false);
});
