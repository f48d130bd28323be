// The `moov` box (14496-12 §8.2): headers and tables of every track, with 64-bit times throughout.

import type { Bytes } from "../../domain/bytes.ts";
import { Boxes } from "./boxes.ts";
import { OPUS_RATE, preSkipTicks, writeEntry } from "./entry.ts";
import type { Index } from "./index.ts";
import { Mp4Error } from "./index.ts";

/** Ticks a second of the movie's own times. */
const MOVIE_TIMESCALE = 90_000;

/** Seconds from 1904-01-01 (14496-12 §8.2.2) to 1970-01-01. */
const EPOCH_1904 = 2_082_844_800;

/** Language "und", three letters of five bits (14496-12 §8.4.2). */
const UNDETERMINED = 0x55c4;

/** `tkhd` flags: enabled, in movie, in preview. */
const SHOWN = 7;

/** What an Opus decoder needs before it gives the right sound: 80 ms. */
const OPUS_RUN_UP = (OPUS_RATE * 80) / 1_000;

/** Where a track lies on the movie's time line, in movie ticks but for `mediaTime`. */
interface Edit {
  readonly delay: number;
  readonly duration: number;
  /** Where presentation starts, in ticks of the track since its first decode time. */
  readonly mediaTime: number;
}

/** Writes `moov` for `tracks`, each with samples. */
export function moov(tracks: readonly Index[], createdMs: number): Bytes {
  const edits = editsOf(tracks);
  const seconds = Math.floor(createdMs / 1_000) + EPOCH_1904;
  const longest = Math.max(0, ...edits.map(({ delay, duration }) => delay + duration));
  const out = new Boxes();
  out.boxed("moov", () => {
    out.full("mvhd", 1, 0, () => {
      out.u64(seconds).u64(seconds).u32(MOVIE_TIMESCALE).u64(longest);
      out.u32(0x1_0000).u16(0x100).zeros(10).matrix().zeros(24); // rate and volume: 1
      out.u32(tracks.length + 1);
    });
    for (const [at, index] of tracks.entries()) {
      const edit = edits[at] ?? { delay: 0, duration: 0, mediaTime: 0 };
      out.boxed("trak", () => {
        trackHeader(out, index, edit, at + 1, seconds);
        editList(out, edit);
        media(out, index, seconds);
      });
    }
  });
  return out.take();
}

/** Puts all tracks on one line that begins with the earliest. */
function editsOf(tracks: readonly Index[]): Edit[] {
  const spans = tracks.map(({ span, first }) => {
    if (span === null) throw new Mp4Error("empty");
    const skipped = span.firstPts + preSkipTicks(first);
    const start = skipped < span.endPts ? skipped : span.firstPts;
    const scale = MOVIE_TIMESCALE / first.timescale;
    const duration = Math.ceil((span.endPts - start) * scale);
    return { begin: Math.floor(start * scale), duration, mediaTime: start - span.firstDts };
  });
  const earliest = Math.min(...spans.map(({ begin }) => begin));
  return spans.map(({ begin, ...rest }) => ({ ...rest, delay: begin - earliest }));
}

/** 14496-12 §8.3.2. */
function trackHeader(
  out: Boxes,
  { first }: Index,
  { delay, duration }: Edit,
  number: number,
  seconds: number,
): void {
  const picture = first.track === "video";
  out.full("tkhd", 1, SHOWN, () => {
    out.u64(seconds).u64(seconds).u32(number).zeros(4);
    out.u64(delay + duration).zeros(12); // reserved, layer, alternate group
    out
      .u16(picture ? 0 : 0x100)
      .zeros(2)
      .matrix();
    out.u16(picture ? first.width : 0).u16(0);
    out.u16(picture ? first.height : 0).u16(0);
  });
}

/** 14496-12 §8.6.6: an empty edit for a late start, then the media. */
function editList(out: Boxes, { delay, duration, mediaTime }: Edit): void {
  out.boxed("edts", () => {
    out.full("elst", 1, 0, () => {
      out.u32(delay > 0 ? 2 : 1);
      if (delay > 0) out.u64(delay).u64(-1).u32(0x1_0000);
      out.u64(duration).u64(mediaTime).u32(0x1_0000);
    });
  });
}

/** 14496-12 §8.4. */
function media(out: Boxes, index: Index, seconds: number): void {
  const picture = index.first.track === "video";
  out.boxed("mdia", () => {
    out.full("mdhd", 1, 0, () => {
      out.u64(seconds).u64(seconds).u32(index.first.timescale).u64(index.mediaTicks);
      out.u16(UNDETERMINED).zeros(2);
    });
    out.full("hdlr", 0, 0, () => {
      out
        .zeros(4)
        .text(picture ? "vide" : "soun")
        .zeros(12);
      out.text(picture ? "Bartizan video\0" : "Bartizan audio\0");
    });
    out.boxed("minf", () => {
      if (picture) out.full("vmhd", 0, 1, () => out.zeros(8));
      else out.full("smhd", 0, 0, () => out.zeros(4));
      out.boxed("dinf", () => {
        out.full("dref", 0, 0, () => {
          out.u32(1).full("url ", 0, 1, () => undefined); // the same file
        });
      });
      out.boxed("stbl", () => tables(out, index));
    });
  });
}

/** 14496-12 §8.5–8.7, §8.9. */
function tables(out: Boxes, index: Index): void {
  const { entries, sizes, keys, chunks, chunkRuns } = index;
  table(out, "stsd", entries, (entry) => writeEntry(out, entry));
  table(out, "stts", index.deltas.runs, ([count, delta]) => out.u32(count).u32(delta));
  offsets(out, index);
  if (keys.length < sizes.length) table(out, "stss", keys, (number) => out.u32(number));
  table(out, "stsc", chunkRuns, (run) => {
    out.u32(run.firstChunk).u32(run.samples).u32(run.description);
  });
  out.full("stsz", 0, 0, () => {
    out.u32(0).u32(sizes.length);
    for (const size of sizes) out.u32(size);
  });
  table(out, "co64", chunks, (offset) => out.u64(offset));
  if (index.first.codec === "opus") rollGroup(out, index);
}

function table<T>(out: Boxes, kind: string, items: readonly T[], write: (item: T) => void): void {
  out.full(kind, 0, 0, () => {
    out.u32(items.length);
    for (const item of items) write(item);
  });
}

/** Version 0 is what every player reads; version 1 only for the rare negative offset. */
function offsets(out: Boxes, { offsets: { runs } }: Index): void {
  if (runs.every(([, offset]) => offset === 0)) return;
  const version = runs.some(([, offset]) => offset < 0) ? 1 : 0;
  out.full("ctts", version, 0, () => {
    out.u32(runs.length);
    for (const [count, offset] of runs) out.u32(count).i32(offset);
  });
}

/** Opus in ISOBMFF §4.3.6.2: decoding needs 80 ms of run-up wherever it starts. */
function rollGroup(out: Boxes, { deltas, sizes }: Index): void {
  const ticks = deltas.runs[0]?.[1] ?? 1;
  const distance = Math.min(0x7fff, Math.ceil(OPUS_RUN_UP / Math.max(1, ticks)));
  out.full("sgpd", 1, 0, () => {
    out.text("roll").u32(2).u32(1);
    out.u16(-distance & 0xffff);
  });
  out.full("sbgp", 0, 0, () => out.text("roll").u32(1).u32(sizes.length).u32(1));
}
