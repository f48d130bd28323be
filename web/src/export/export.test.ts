// Exported files: hashing, tables and times of the MP4 file, and the proof's bytes. That a whole export is the same,
// byte for byte, as the command line's is shown in the browser.

import { describe, expect, test } from "vitest";

import type { Bytes } from "../domain/bytes.ts";
import { ascii, concat, sha256 } from "../domain/bytes.ts";
import type { CameraId, Hash, MemberId, SiteId } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";
import { signingKeyFromSeed, verify } from "../identity/key.ts";
import type { Frame } from "../sealed/segment.ts";
import type { AudioConfig, VideoConfig } from "../sealed/track.ts";
import { GrowingFile } from "./file.ts";
import type { MediaConfig } from "./mp4/entry.ts";
import { ticksOf } from "./mp4/entry.ts";
import { Mux } from "./mux.ts";
import type { Proof } from "./proof.ts";
import { encodeProof, FrameDigest, signProof } from "./proof.ts";
import { Sha256 } from "./sha256.ts";

const bytes = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length));
const filled = (byte: number, length: number): Bytes => new Uint8Array(length).fill(byte);
const hex = (value: Uint8Array): string => Buffer.from(value).toString("hex");

describe("SHA-256 in pieces", () => {
  test("is WebCrypto's, however the data is cut", async () => {
    for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1_000, 65_000]) {
      const data = bytes(length);
      const hash = new Sha256();
      for (let at = 0; at < length; ) {
        const piece = 1 + Math.floor(Math.random() * 200);
        hash.update(data.subarray(at, at + piece));
        at += piece;
      }
      expect([length, hex(hash.finish())]).toEqual([length, hex(await sha256(data))]);
    }
  });
});

describe("a growing file", () => {
  test("keeps its pieces, takes a patch and is hashed as a whole", async () => {
    const file = new GrowingFile();
    const data = Uint8Array.from({ length: 20_000_001 }, (_, at) => at * 7);
    for (let at = 0; at < data.length; at += 1_000_000)
      file.append([data.subarray(at, at + 1_000_000)]);
    await file.patch(3, ascii("patch"));
    const expected = concat(data.subarray(0, 3), ascii("patch"), data.subarray(8));
    const { blob, hash } = await file.finish("video/mp4");
    expect([blob.size, blob.type, file.length]).toEqual([data.length, "video/mp4", data.length]);
    expect(hex(hash)).toBe(hex(await sha256(expected)));
    expect(hex(await sha256(new Uint8Array(await blob.arrayBuffer())))).toBe(hex(hash));
  });
});

const VIDEO: VideoConfig = {
  ...{ track: "video", codec: "h264", timescale: 90_000, width: 640, height: 360 },
  extra: Uint8Array.of(1, 66, 192, 30, 255, 225, 0, 0, 1, 0, 0),
};
const SOUND: AudioConfig = {
  ...{ track: "audio", codec: "pcmu", timescale: 8_000, sampleRate: 8_000, channels: 1 },
  extra: new Uint8Array(),
};

interface Bend {
  pts: bigint;
  at: bigint;
  config?: MediaConfig;
  key?: boolean;
  decodeOffset?: number;
  data?: Bytes;
}

function frame(track: "video" | "audio", bend: Bend): Frame {
  const { pts, at, config = null, decodeOffset = 0, data = ascii("unit") } = bend;
  const key = bend.key ?? (config !== null || track === "audio");
  return { track, key, index: 0, captured: at, pts, decodeOffset, config, data };
}

/** The bodies of the boxes at `path`, in file order. */
function find(file: Uint8Array, path: readonly string[]): Uint8Array[] {
  const [kind, ...deeper] = path;
  if (kind === undefined) return [file];
  const out: Uint8Array[] = [];
  for (let at = 0; at + 8 <= file.length; ) {
    const view = new DataView(file.buffer, file.byteOffset + at);
    const size = view.getUint32(0) === 1 ? Number(view.getBigUint64(8)) : view.getUint32(0);
    const name = Buffer.from(file.subarray(at + 4, at + 8)).toString("latin1");
    if (name === kind) out.push(...find(file.subarray(at + 8, at + size), deeper));
    at += size;
  }
  return out;
}

function words(body: Uint8Array | undefined): number[] {
  const view = new DataView(body!.buffer, body!.byteOffset, body!.byteLength);
  return Array.from({ length: body!.length >> 2 }, (_, at) => view.getUint32(at * 4));
}

/** A muxer, its file so far, and the whole file at the end. */
function muxing() {
  const mux = new Mux(1_000);
  const parts: Bytes[] = [mux.head];
  const put = (session: number, each: Frame) => {
    const fit = mux.frame(session, each);
    if (fit.kind === "taken") parts.push(...fit.bytes);
    return fit.kind;
  };
  const whole = () => {
    const { tail, patch } = mux.finish();
    const file = concat(...parts, ...tail);
    file.set(patch.bytes, patch.offset);
    return file;
  };
  return { mux, put, whole };
}

const TABLES = ["moov", "trak", "mdia", "minf", "stbl"];
const table = (file: Uint8Array, track: number, kind: string) =>
  find(find(file, TABLES)[track]!, [kind])[0];

describe("the file", () => {
  test("has every box, and tables that say what was put in", () => {
    const { put, whole } = muxing();
    put(1, frame("video", { pts: 1_000n, at: 1_000n, config: VIDEO }));
    put(1, frame("audio", { pts: 80n, at: 1_000n, config: SOUND, data: filled(1, 160) }));
    put(1, frame("video", { pts: 4_600n, at: 1_040n }));
    put(1, frame("video", { pts: 8_200n, at: 1_080n, data: filled(2, 10) }));
    const file = whole();
    expect(find(file, ["ftyp"]).length).toBe(1);
    expect(words(table(file, 0, "stts")).slice(1)).toEqual([1, 3, 3_600]);
    expect(words(table(file, 0, "stsz")).slice(1)).toEqual([0, 3, 4, 4, 10]);
    expect(words(table(file, 0, "stss")).slice(1)).toEqual([1, 1]);
    expect(words(table(file, 1, "stts")).slice(1)).toEqual([1, 1, 160]);
    const chunks = words(table(file, 0, "co64"));
    const at = chunks[3]!;
    expect(Buffer.from(file.subarray(at, at + 4)).toString()).toBe("unit");
    const edits = find(file, ["moov", "trak", "edts", "elst"]).map(words);
    // Sound begins at 10 ms, the picture at 11.1 ms: the picture is late by 100 movie ticks.
    expect(edits[0]!.slice(1, 4)).toEqual([2, 0, 100]);
    expect(edits[1]![1]).toBe(1);
  });

  test("reordered pictures have their offsets", () => {
    const { put, whole } = muxing();
    put(1, frame("video", { pts: 3_600n, at: 0n, config: VIDEO, decodeOffset: -3_600 }));
    put(1, frame("video", { pts: 10_800n, at: 80n, decodeOffset: -7_200 }));
    put(1, frame("video", { pts: 7_200n, at: 40n }));
    expect(words(table(whole(), 0, "ctts"))).toEqual([0, 3, 1, 3_600, 1, 7_200, 1, 0]);
  });

  test("a new session keeps its distance, and a clock that was set back does not run it backwards", () => {
    const { put, whole } = muxing();
    put(1, frame("video", { pts: 1_000n, at: 10_000n, config: VIDEO }));
    put(2, frame("video", { pts: 0n, at: 20_000n, config: VIDEO }));
    put(3, frame("video", { pts: 0n, at: 0n, config: VIDEO }));
    // Ten seconds, then one tick, and the last picture as long as a picture of 25 a second.
    expect(words(table(whole(), 0, "stts")).slice(2)).toEqual([1, 900_000, 1, 1, 1, 3_600]);
  });

  test("what does not fit starts a new file; sound without a picture is left out", () => {
    const { put, mux } = muxing();
    expect(put(1, frame("audio", { pts: 0n, at: 0n, config: SOUND }))).toBe("left-out");
    expect(put(1, frame("video", { pts: 0n, at: 0n, config: VIDEO, key: false }))).toBe("left-out");
    expect(put(1, frame("video", { pts: 0n, at: 0n, config: VIDEO }))).toBe("taken");
    const other = { ...VIDEO, codec: "h265" } as const;
    expect(put(1, frame("video", { pts: 1n, at: 1n, config: other }))).toBe("new-file");
    const day = 12n * 3_600_000n;
    expect(put(2, frame("video", { pts: 0n, at: day, config: VIDEO }))).toBe("new-file");
    expect(mux.wantsNewFile).toBe(false);
  });

  test("an empty access unit is refused", () => {
    const { put } = muxing();
    expect(() =>
      put(1, frame("video", { pts: 0n, at: 0n, config: VIDEO, data: new Uint8Array() })),
    ).toThrow("sample-size");
  });

  test("sound tells how long it lasts", () => {
    const opus: AudioConfig = { ...SOUND, codec: "opus", timescale: 48_000, sampleRate: 48_000 };
    expect(ticksOf(opus, Uint8Array.of(0x78))).toBe(960);
    expect(ticksOf(opus, Uint8Array.of(0x79))).toBe(1_920);
    const aac: AudioConfig = { ...SOUND, codec: "aac", timescale: 48_000, sampleRate: 48_000 };
    expect(ticksOf(aac, filled(0, 9))).toBe(1_024);
    expect(ticksOf(VIDEO, filled(0, 9))).toBeNull();
  });
});

describe("the proof", () => {
  const proof: Proof = {
    ...{
      site: idOf<SiteId>(filled(1, 16)),
      camera: idOf<CameraId>(filled(2, 16)),
      rendition: "sub",
    },
    ...{ file: filled(4, 32), fileLength: 5, fromMs: 6, toMs: 7, madeMs: 8 },
    ...{ member: idOf<MemberId>(filled(3, 16)), statements: [filled(1, 3)], envelopes: [] },
    segments: [
      {
        ...{ header: filled(1, 136), exported: 7, unsigned: 1, digest: filled(3, 32) },
        signed: { number: 1n, frames: 9, state: "closed", chain: idOf<Hash>(filled(2, 32)) },
      },
      { header: filled(1, 136), exported: 7, unsigned: 7, digest: filled(3, 32), signed: null },
    ],
    manifests: [filled(9, 2)],
  };

  test("is written field by field as its page says", () => {
    const expected = [
      ["BARTPRF1".split("").map((each) => each.charCodeAt(0)), 1],
      [
        filled(1, 16),
        filled(2, 16),
        1,
        filled(4, 32),
        u64(5),
        u64(6),
        u64(7),
        u64(8),
        filled(3, 16),
      ],
      [u32(1), u32(3), filled(1, 3), u32(0)],
      [u32(2), filled(1, 136), 2, u32(9), filled(2, 32), u32(7), u32(1), filled(3, 32)],
      [filled(1, 136), 0, u32(0), filled(0, 32), u32(7), u32(7), filled(3, 32)],
      [u32(1), u32(2), filled(9, 2)],
    ].flat(1);
    const flat = expected.flatMap((each) => (typeof each === "number" ? [each] : [...each]));
    expect([...encodeProof(proof)]).toEqual(flat);
  });

  test("is signed by the member's identity under its own context", async () => {
    const key = await signingKeyFromSeed(filled(1, 32));
    const signed = await signProof(proof, key);
    const [body, signature] = [signed.slice(0, -64), signed.slice(-64)];
    expect(await verify(key.public, "bartizan/v1/export", body, signature)).toBe(true);
    expect(await verify(key.public, "bartizan/v1/envelope", body, signature)).toBe(false);
  });

  test("the digest is over place, track, times and the hash of each access unit", async () => {
    const digest = new FrameDigest();
    const each = frame("audio", { pts: -1n, at: 2n, decodeOffset: -3, data: ascii("x") });
    digest.add(5, each);
    const hash = await sha256(ascii("x"));
    const line = concat(
      u32(5),
      Uint8Array.of(1),
      u64(2),
      filled(255, 8),
      Uint8Array.of(255, 255, 255, 253),
      hash,
    );
    expect(hex(await digest.finish())).toBe(hex(await sha256(line)));
  });
});

function u32(value: number): Bytes {
  return Uint8Array.of(0, 0, value >> 8, value & 255);
}

function u64(value: number): Bytes {
  return concat(new Uint8Array(4), u32(value));
}
