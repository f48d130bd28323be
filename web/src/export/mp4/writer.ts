// An ordinary MP4 file (ISO/IEC 14496-12, -14, -15) out of access units, the twin of `core/media/src/mp4`: `ftyp`,
// `mdat` with a 64-bit size, `moov`. It does no I/O and holds about a second of media per track.

import type { Bytes } from "../../domain/bytes.ts";
import { Boxes } from "./boxes.ts";
import type { MediaConfig } from "./entry.ts";
import { sameConfig } from "./entry.ts";
import type { Sample } from "./index.ts";
import { Index, Mp4Error } from "./index.ts";
import { moov } from "./moov.ts";

/** Most tracks of a file, and configurations of a track. */
const MAX_TRACKS = 4;
const MAX_CONFIGS = 255;

/** Most samples of a file: twelve hours of 25 pictures and 50 packets of sound a second. */
const MAX_SAMPLES = 1 << 22;

/** Bytes of `mdat`'s header with its 64-bit size (14496-12 §4.2), and where in it that size stands. */
const MDAT_HEADER = 16;
const MDAT_SIZE_AT = 8;

/** The end of a file: what to append, and what to write over the size of `mdat`. */
export interface Ending {
  readonly tail: readonly Bytes[];
  readonly patch: { readonly offset: number; readonly bytes: Bytes };
}

/** A file in the making. */
export class Mp4Writer {
  readonly #createdMs: number;
  readonly #tracks: Index[] = [];
  readonly #mediaAt: number;
  #samples = 0;
  #written: number;
  /** The file's first bytes. */
  readonly head: Bytes;

  /** Begins a file whose first frame was captured at `createdMs`. */
  constructor(createdMs: number) {
    this.#createdMs = createdMs;
    const out = new Boxes();
    // iso2: edit lists and sample groups; iso4: signed composition offsets.
    out.boxed("ftyp", () => out.text("isom").u32(0x200).text("isomiso2iso4mp41"));
    this.#mediaAt = out.take().length;
    this.head = out.u32(1).text("mdat").zeros(8).take();
    this.#written = this.#mediaAt + MDAT_HEADER;
  }

  /** Adds a track; one that never gets a sample is left out of the file. */
  addTrack(config: MediaConfig): number {
    if (this.#tracks.length >= MAX_TRACKS) throw new Mp4Error("too-many-tracks");
    return this.#tracks.push(new Index(config)) - 1;
  }

  /** Adds a configuration that `track` changes to, or finds it. Codec and timescale can't change. */
  addConfig(track: number, config: MediaConfig): number {
    const { entries, first } = this.#track(track);
    const known = entries.findIndex((entry) => sameConfig(entry, config));
    if (known >= 0) return known;
    const same = first.codec === config.codec && first.timescale === config.timescale;
    if (!same) throw new Mp4Error("track-changed");
    if (entries.length >= MAX_CONFIGS) throw new Mp4Error("too-many-configs");
    return entries.push(config) - 1;
  }

  /** Takes a sample; gives what the file grows by. */
  sample(track: number, sample: Sample): readonly Bytes[] {
    if (this.#samples >= MAX_SAMPLES) throw new Mp4Error("too-many-samples");
    const chunk = this.#track(track).push(sample, this.#written);
    this.#samples += 1;
    return this.#grown(chunk);
  }

  /** Closes the file. */
  finish(): Ending {
    const rest = this.#tracks.flatMap((index) => this.#grown(index.finish(this.#written)));
    const tracks = this.#tracks.filter(({ sizes }) => sizes.length > 0);
    if (tracks.length === 0) throw new Mp4Error("empty");
    const size = new Boxes().u64(this.#written - this.#mediaAt).take();
    const patch = { offset: this.#mediaAt + MDAT_SIZE_AT, bytes: size };
    return { tail: [...rest, moov(tracks, this.#createdMs)], patch };
  }

  #track(track: number): Index {
    const found = this.#tracks[track];
    if (found === undefined) throw new RangeError("no such track");
    return found;
  }

  #grown(chunk: readonly Bytes[]): readonly Bytes[] {
    for (const part of chunk) this.#written += part.length;
    return chunk;
  }
}
