// Fragmented MP4: boxes as they should be, and FFmpeg's opinion where it is installed.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

import type { Bytes } from "../domain/bytes.ts";
import { concat } from "../domain/bytes.ts";
import type { AudioConfig, VideoConfig } from "../sealed/track.ts";
import { box, fragment, initSegment, isMuxable, mediaType } from "./fmp4.ts";
import { steer } from "./mse.ts";

const AAC: AudioConfig = {
  ...{ track: "audio", codec: "aac", timescale: 48_000, sampleRate: 48_000, channels: 1 },
  extra: Uint8Array.of(0x11, 0x88),
};
const has = (program: string) => spawnSync(program, ["-version"]).status === 0;

/** NAL units of an Annex B stream. */
function nalUnits(stream: Buffer): Bytes[] {
  const starts: number[] = [];
  for (let at = 0; at + 3 < stream.length; at += 1) {
    if (stream.readUIntBE(at, 3) === 1) starts.push(at + 3);
  }
  return starts.map((start, at) => {
    let end = (starts[at + 1] ?? stream.length + 3) - 3;
    while (end > start && stream[end - 1] === 0) end -= 1;
    return Uint8Array.from(stream.subarray(start, end));
  });
}

const sized = (nal: Bytes, bytes: 2 | 4) => {
  const length = new DataView(new ArrayBuffer(bytes));
  if (bytes === 2) length.setUint16(0, nal.length);
  else length.setUint32(0, nal.length);
  return concat(new Uint8Array(length.buffer), nal);
};

function encoded(): { config: VideoConfig; units: Bytes[] } {
  const source = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=1"];
  const codec = ["-c:v", "libx264", "-bf", "0", "-g", "10", "-x264-params", "slices=1"];
  const raw = execFileSync("ffmpeg", ["-v", "error", ...source, ...codec, "-f", "h264", "-"]);
  const nals = nalUnits(raw);
  const kind = (nal: Bytes) => nal[0]! & 31;
  const [sps, pps] = [7, 8].map((wanted) => nals.find((nal) => kind(nal) === wanted)!);
  const head = Uint8Array.of(1, sps![1]!, sps![2]!, sps![3]!, 0xff, 0xe1);
  const extra = concat(head, sized(sps!, 2), Uint8Array.of(1), sized(pps!, 2));
  const config: VideoConfig = {
    ...{ track: "video", codec: "h264", timescale: 90_000, width: 320, height: 180, extra },
  };
  const units = nals.filter((nal) => [1, 5].includes(kind(nal))).map((nal) => sized(nal, 4));
  return { config, units };
}

test("a box is its size, its type and its content", () => {
  const bytes = box("free", Uint8Array.of(1, 2));
  expect(Buffer.from(bytes).toString("latin1")).toBe("\0\0\0\nfree\u0001\u0002");
});

test("the type names both codecs, and G.711 has no place", () => {
  const config: VideoConfig = {
    ...{ track: "video", codec: "h264", timescale: 90_000, width: 2, height: 2 },
    extra: Uint8Array.of(1, 0x42, 0xc0, 0x1f),
  };
  expect(mediaType(config, AAC)).toBe('video/mp4; codecs="avc1.42c01f,mp4a.40.2"');
  const g711: AudioConfig = { ...AAC, codec: "pcmu" };
  expect([mediaType(config, g711), isMuxable(g711)]).toEqual([
    ...['video/mp4; codecs="avc1.42c01f"', false],
  ]);
  expect(mediaType({ ...config, extra: new Uint8Array() }, null)).toBeNull();
  expect(initSegment(config, g711).length).toBeLessThan(initSegment(config, AAC).length);
});

test("data of several tracks lie where their runs say", () => {
  const sample = { key: true, decode: 5n, offset: 0, duration: 10 };
  const bytes = fragment(7, [
    { ...sample, track: "video", data: Uint8Array.of(1, 1, 1) },
    { ...sample, track: "audio", data: Uint8Array.of(2, 2) },
    { ...sample, track: "video", data: Uint8Array.of(3) },
  ]);
  const at = Buffer.from(bytes).indexOf("mdat") + 4;
  expect([...bytes.subarray(at)]).toEqual([1, 1, 1, 3, 2, 2]);
  const offsets = [...Buffer.from(bytes).toString("latin1").matchAll(/trun/g)].map(({ index }) => {
    return Buffer.from(bytes).readUInt32BE(index + 12);
  });
  expect(offsets).toEqual([at, at + 4]);
});

test.skipIf(!has("ffmpeg") || !has("ffprobe"))("FFmpeg reads every picture", () => {
  const { config, units } = encoded();
  const fragments = units.map((data, at) => {
    const decode = BigInt(at) * 3_600n;
    const key = (data[4]! & 31) === 5;
    return fragment(at + 1, [{ track: "video", key, decode, offset: 0, duration: 3_600, data }]);
  });
  const folder = mkdtempSync(join(tmpdir(), "bartizan-fmp4-"));
  try {
    const file = join(folder, "x.mp4");
    writeFileSync(file, concat(initSegment(config, AAC), ...fragments));
    const entries = ["-show_entries", "stream=codec_name,nb_read_frames,width", "-of", "csv=p=0"];
    const probe = ["-v", "error", "-count_frames", ...entries, file];
    const said = spawnSync("ffprobe", probe, { encoding: "utf8" });
    expect([said.stderr, said.stdout.trim().split("\n")]).toEqual([
      ...["", ["h264,320,25", "aac,0"].map((line) => expect.stringContaining(line.slice(0, 4)))],
    ]);
    expect(said.stdout).toContain("25");
    const decode = spawnSync("ffmpeg", ["-v", "error", "-xerror", "-i", file, "-f", "null", "-"]);
    expect([decode.status, decode.stderr.toString()]).toEqual([0, ""]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the player is held near the newest picture", () => {
  expect(steer(0.2, 10)).toEqual({ rate: 1, seek: null });
  expect(steer(0.02, 10).rate).toBeLessThan(1);
  expect(steer(0.4, 10).rate).toBe(1.1);
  expect(steer(0.9, 10).rate).toBe(1.5);
  expect(steer(3, 10)).toEqual({ rate: 1, seek: 9.85 });
  expect(steer(-1, 10).seek).toBe(9.85);
});
