// Fragmented MP4 (ISO/IEC 14496-12 §8.8) for the browser's own player: an initialization segment per configuration
// and one fragment per access unit or per burst. G.711 has no place in it. It reads nothing back.

import type { Bytes } from "../domain/bytes.ts";
import { ascii, concat } from "../domain/bytes.ts";
import { Writer } from "../domain/wire.ts";
import type { AudioConfig, VideoConfig } from "../sealed/track.ts";
import { audioCodecString, videoCodecString } from "./codec.ts";

/** Track numbers. */
const VIDEO = 1;
const AUDIO = 2;

/** Ticks a second of the whole; tracks have their own. */
const MOVIE_TIMESCALE = 1_000;

/** `sample_flags` (§8.8.3.1): depends on nothing; depends on others and is no sync sample. */
const SYNC = 0x0200_0000;
const DELTA = 0x0101_0000;

/** An access unit on its way into a fragment; times in ticks of its track. */
export interface Sample {
  readonly track: "video" | "audio";
  readonly key: boolean;
  readonly decode: bigint;
  /** Presentation minus decode time. */
  readonly offset: number;
  readonly duration: number;
  readonly data: Bytes;
}

/** A box: size, type, content (§4.2). */
export function box(kind: string, ...content: readonly Uint8Array[]): Bytes {
  const body = concat(...content);
  return concat(new Writer().u32(body.length + 8).bytes(), ascii(kind), body);
}

function fullBox(kind: string, version: number, flags: number, ...content: Uint8Array[]): Bytes {
  return box(kind, new Writer().u32(version * 2 ** 24 + flags).bytes(), ...content);
}

const zeros = (count: number): Bytes => new Uint8Array(count);

/** §8.3.2 and §8.2.2: no rotation, no scaling. */
const UNITY = new Writer()
  .u32(0x1_0000)
  .fixed(zeros(12))
  .u32(0x1_0000)
  .fixed(zeros(12))
  .u32(0x4000_0000)
  .bytes();

/** Whether sound of this codec can stand in an MP4 that browsers play. */
export function isMuxable(audio: AudioConfig): boolean {
  return audioCodecString(audio) !== null;
}

/** What `addSourceBuffer` is told; `null` when the configuration makes no sense. */
export function mediaType(video: VideoConfig, audio: AudioConfig | null): string | null {
  const codecs = [videoCodecString(video), audio && audioCodecString(audio)];
  if (codecs[0] === null) return null;
  return `video/mp4; codecs="${codecs.filter((codec) => codec !== null).join(",")}"`;
}

/** `ftyp` and `moov`. */
export function initSegment(video: VideoConfig, audio: AudioConfig | null): Bytes {
  const ftyp = box("ftyp", ascii("iso6"), new Writer().u32(0).bytes(), ascii("iso6cmfcmp41"));
  const tracks = [videoTrack(video)];
  const extends_ = [trex(VIDEO)];
  if (audio !== null && isMuxable(audio)) {
    tracks.push(audioTrack(audio));
    extends_.push(trex(AUDIO));
  }
  return concat(ftyp, box("moov", mvhd(), ...tracks, box("mvex", ...extends_)));
}

function mvhd(): Bytes {
  const out = new Writer().u32(0).u32(0).u32(MOVIE_TIMESCALE).u32(0);
  out.u32(0x1_0000).u16(0x100).fixed(zeros(10)).fixed(UNITY).fixed(zeros(24)).u32(3);
  return fullBox("mvhd", 0, 0, out.bytes());
}

function trex(track: number): Bytes {
  return fullBox("trex", 0, 0, new Writer().u32(track).u32(1).u32(0).u32(0).u32(0).bytes());
}

function videoTrack(config: VideoConfig): Bytes {
  const entry = new Writer().fixed(zeros(6)).u16(1).fixed(zeros(16));
  entry.u16(config.width).u16(config.height).u32(0x48_0000).u32(0x48_0000).u32(0).u16(1);
  entry.fixed(zeros(32)).u16(0x18).u16(0xffff);
  const [kind, extra] = config.codec === "h264" ? ["avc1", "avcC"] : ["hvc1", "hvcC"];
  const sample = box(kind ?? "", entry.bytes(), box(extra ?? "", config.extra));
  const header = fullBox("vmhd", 0, 1, zeros(8));
  return track(VIDEO, config, "vide", header, sample);
}

function audioTrack(config: AudioConfig): Bytes {
  const rate = config.sampleRate < 0x1_0000 ? config.sampleRate : 0;
  const entry = new Writer().fixed(zeros(6)).u16(1).fixed(zeros(8)).u16(config.channels);
  entry.u16(16).u32(0).u16(rate).u16(0);
  const opus = config.codec === "opus";
  const codec = opus ? box("dOps", config.extra) : esds(config.extra);
  const sample = box(opus ? "Opus" : "mp4a", entry.bytes(), codec);
  return track(AUDIO, config, "soun", fullBox("smhd", 0, 0, zeros(4)), sample);
}

function track(
  id: number,
  config: VideoConfig | AudioConfig,
  handler: string,
  header: Bytes,
  sample: Bytes,
): Bytes {
  const [width, height] = config.track === "video" ? [config.width, config.height] : [0, 0];
  const tkhd = new Writer().u32(0).u32(0).u32(id).u32(0).u32(0).fixed(zeros(12));
  tkhd
    .u16(config.track === "audio" ? 0x100 : 0)
    .u16(0)
    .fixed(UNITY);
  tkhd.u16(width).u16(0).u16(height).u16(0);
  const mdhd = new Writer().u32(0).u32(0).u32(config.timescale).u32(0).u16(0x55c4).u16(0);
  const hdlr = new Writer().u32(0).fixed(ascii(handler)).fixed(zeros(13));
  const dref = fullBox("dref", 0, 0, new Writer().u32(1).bytes(), fullBox("url ", 0, 1));
  const none = (kind: string) => fullBox(kind, 0, 0, zeros(kind === "stsz" ? 8 : 4));
  const stsd = fullBox("stsd", 0, 0, new Writer().u32(1).bytes(), sample);
  const stbl = box("stbl", stsd, none("stts"), none("stsc"), none("stsz"), none("stco"));
  const minf = box("minf", header, box("dinf", dref), stbl);
  const mdia = [fullBox("mdhd", 0, 0, mdhd.bytes()), fullBox("hdlr", 0, 0, hdlr.bytes()), minf];
  return box("trak", fullBox("tkhd", 0, 3, tkhd.bytes()), box("mdia", ...mdia));
}

/** 14496-14 §5.6, 14496-1 §7.2.6: descriptors with one-byte lengths around the decoder's configuration. */
function esds(specific: Bytes): Bytes {
  const descriptor = (tag: number, ...content: Uint8Array[]) => {
    const body = concat(...content);
    // Seven bits a byte, most significant first: a configuration may have up to 4,096 bytes.
    return concat(Uint8Array.of(tag, 0x80 | (body.length >> 7), body.length & 0x7f), body);
  };
  const decoder = new Writer().u8(0x40).u8(0x15).fixed(zeros(11)).bytes();
  const config = descriptor(4, decoder, descriptor(5, specific));
  const stream = new Writer().u16(AUDIO).u8(0).bytes();
  return fullBox("esds", 0, 0, descriptor(3, stream, config, descriptor(6, Uint8Array.of(2))));
}

/** `moof` and `mdat` of some access units. `sequence` counts fragments. */
export function fragment(sequence: number, samples: readonly Sample[]): Bytes {
  const tracks = (["video", "audio"] as const)
    .map((name) => samples.filter(({ track: of }) => of === name))
    .filter((of) => of.length > 0);
  const build = (base: number) => {
    let at = base;
    const trafs = tracks.map((of) => {
      const out = traf(of, at);
      at += of.reduce((sum, { data }) => sum + data.length, 0);
      return out;
    });
    return box("moof", fullBox("mfhd", 0, 0, new Writer().u32(sequence).bytes()), ...trafs);
  };
  // Data lie behind the moof, whose length does not depend on where.
  const moof = build(build(0).length + 8);
  return concat(moof, box("mdat", ...tracks.flat().map(({ data }) => data)));
}

function traf(samples: readonly Sample[], dataOffset: number): Bytes {
  const [first] = samples;
  const id = first?.track === "audio" ? AUDIO : VIDEO;
  // §8.8.7: the base is the moof.
  const tfhd = fullBox("tfhd", 0, 0x02_0000, new Writer().u32(id).bytes());
  const tfdt = fullBox("tfdt", 1, 0, new Writer().u64(first?.decode ?? 0n).bytes());
  const trun = new Writer().u32(samples.length).u32(dataOffset);
  for (const { duration, data, key, offset } of samples) {
    trun
      .u32(duration)
      .u32(data.length)
      .u32(key ? SYNC : DELTA)
      .i32(offset);
  }
  return box("traf", tfhd, tfdt, fullBox("trun", 1, 0x0f01, trun.bytes()));
}
