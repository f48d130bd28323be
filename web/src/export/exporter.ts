// Makes ordinary MP4 files with signed proofs out of a recording, the twin of `shell/client/src/export`. It stops at
// the first thing that is not as it was sealed: a proof is about a whole stretch, or there is none. Runs in a worker.

import type { Bytes } from "../domain/bytes.ts";
import { SealedError } from "../domain/errors.ts";
import type { EpochId } from "../domain/id.ts";
import type { Keystore } from "../identity/keystore.ts";
import type { EpochStore } from "../playback/epochs.ts";
import type { Fetch } from "../playback/loader.ts";
import { requestOf } from "../playback/run.ts";
import type { Segment, Stream } from "../playback/segments.ts";
import type { Vault } from "../playback/vault.ts";
import { Splitter } from "../sealed/record.ts";
import type { Step } from "../sealed/recorded.ts";
import { RecordedOpener } from "../sealed/recorded.ts";
import type { Frame } from "../sealed/segment.ts";
import type { Begun, Whole } from "./part.ts";
import { Part } from "./part.ts";
import type { Proof } from "./proof.ts";
import { MAX_ENVELOPES, signProof } from "./proof.ts";

/** Segments of one export: a month of two-second segments. */
const MAX_SEGMENTS = 2_000_000;

/** Sealed bytes that are asked for at a time. */
const STRETCH = 8 * 1024 * 1024;

/** A file that was exported. */
export interface ExportedFile {
  readonly mp4: Blob;
  readonly proof: Blob;
  /** Capture times of its first and last frame, in milliseconds since 1970. */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly pictures: number;
  /** Frames that no manifest covers yet. */
  readonly unsigned: number;
}

/** What is to be exported. */
export interface ExportParts {
  readonly stream: Stream;
  readonly fromMs: number;
  readonly toMs: number;
  readonly vault: Vault;
  readonly keystore: Keystore;
  readonly fetch: Fetch;
  readonly signal: AbortSignal;
  /** Sealed bytes that have arrived, and in all. */
  readonly progress: (arrived: number, total: number) => void;
}

/** Why a stretch could not be exported; `atMs`: where it stopped. */
export class ExportError extends Error {
  override readonly name = "ExportError";
  readonly code: "nothing-recorded" | "too-long" | "refused";
  readonly atMs: number | null;

  constructor(code: ExportError["code"], atMs: number | null = null, options?: ErrorOptions) {
    super(code, options);
    this.code = code;
    this.atMs = atMs;
  }
}

/** One export. */
export class Exporter {
  readonly #parts: ExportParts;
  readonly #epochs: EpochStore;
  readonly #opener: RecordedOpener;
  readonly #done: ExportedFile[] = [];
  /** Bodies of the envelopes of the newest epochs. */
  readonly #envelopes = new Map<EpochId, Bytes>();
  #part: Part | null = null;
  #segment: Begun | null = null;
  /** A picture at or after the end has come. */
  #ended = false;
  /** Sealed bytes that have arrived, and in all. */
  #arrived = 0;
  #total = 0;

  constructor(parts: ExportParts) {
    this.#parts = parts;
    this.#epochs = parts.vault.epochs(parts.stream.camera);
    const { stream, vault } = parts;
    const request = requestOf({ site: vault.site, stream, epochs: this.#epochs });
    this.#opener = new RecordedOpener({ ...request, epoch: (id) => this.#open(id) });
  }

  /** Exports. */
  async run(): Promise<readonly ExportedFile[]> {
    const segments = await this.#list();
    this.#total = segments.reduce((sum, { len }) => sum + len, 0);
    for (const stretch of stretches(segments)) {
      for await (const [segment, record] of this.#records(stretch, segments.at(-1))) {
        try {
          await this.#take(await this.#opener.push(record));
        } catch (error) {
          if (!(error instanceof SealedError)) throw error;
          throw new ExportError("refused", segment.startMs, { cause: error });
        }
      }
      this.#parts.signal.throwIfAborted();
    }
    await this.#finishPart();
    if (this.#done.length === 0) throw new ExportError("nothing-recorded");
    return this.#done;
  }

  /** The segments that touch the range, from the last one before it that begins with a keyframe. */
  async #list(): Promise<Segment[]> {
    const { vault, stream, fromMs, toMs, signal } = this.#parts;
    const index = vault.index(stream);
    const first = await index.at(fromMs);
    if (first === null || first.startMs >= toMs) throw new ExportError("nothing-recorded");
    const out: Segment[] = [];
    let segment: Segment | null = (await index.keyBefore(first)) ?? first;
    while (segment !== null && segment.startMs < toMs) {
      if (out.length >= MAX_SEGMENTS) throw new ExportError("too-long");
      out.push(segment);
      segment = await index.next(segment);
      signal.throwIfAborted();
    }
    return out;
  }

  /** The records of segments that lie side by side. */
  async *#records(stretch: readonly Segment[], last: Segment | undefined) {
    const { stream, fetch, signal } = this.#parts;
    const [start, end] = [stretch[0]?.offset ?? 0, endOffset(stretch.at(-1))];
    const path = `/cameras/${stream.camera}/data?rendition=${stream.rendition}`;
    const splitter = new Splitter();
    let at = start;
    for await (const chunk of await fetch(path, { start, end }, signal)) {
      for (const record of splitter.push(chunk as Bytes)) {
        yield [segmentAt(stretch, at), record] as const;
      }
      at += chunk.length;
      this.#arrived += chunk.length;
      this.#parts.progress(this.#arrived, this.#total);
    }
    const running = stretch.at(-1)?.offset === last?.offset;
    if (splitter.pending && !running) {
      throw new ExportError("refused", stretch.at(-1)?.startMs ?? null);
    }
  }

  async #open(id: EpochId) {
    const open = await this.#epochs.open(id);
    this.#envelopes.set(id, open.body);
    for (const oldest of this.#envelopes.keys()) {
      if (this.#envelopes.size <= MAX_ENVELOPES) break;
      this.#envelopes.delete(oldest);
    }
    return open;
  }

  async #take(step: Step): Promise<void> {
    if (step.kind === "segment") return await this.#begin(step);
    if (step.kind === "manifest") return this.#part?.manifest(step.body, step.head);
    if (step.kind === "frame") await this.#frame(step.index, await step.opened);
  }

  async #begin(segment: Begun): Promise<void> {
    this.#segment = segment;
    if (this.#part?.isFull === true) await this.#finishPart();
    this.#part?.leaveSegment();
  }

  async #frame(index: number, frame: Frame): Promise<void> {
    const late = Number(frame.captured) >= this.#parts.toMs;
    const picture = frame.track === "video";
    this.#ended ||= late && picture;
    if (late || (this.#ended && picture)) return;
    if (this.#put(index, frame) !== "new-file") return;
    await this.#finishPart();
    this.#put(index, frame);
  }

  #put(index: number, frame: Frame) {
    const segment = this.#segment;
    if (segment === null) return "left-out";
    if (this.#part === null) {
      // A file begins with a keyframe.
      if (!frame.key || frame.track !== "video") return "left-out";
      this.#part = new Part(Number(frame.captured));
    }
    return this.#part.frame(segment, index, frame);
  }

  /** Ends the file in the making, if there is one with at least one frame. */
  async #finishPart(): Promise<void> {
    const whole = (await this.#part?.finish()) ?? null;
    this.#part = null;
    if (whole === null) return;
    const proof = await signProof(this.#proofOf(whole), this.#parts.keystore.identity);
    const { firstMs, lastMs, pictures, unsigned } = whole;
    const file = new Blob([proof], { type: "application/octet-stream" });
    this.#done.push({ mp4: whole.blob, proof: file, firstMs, lastMs, pictures, unsigned });
  }

  #proofOf({ blob, hash, segments, manifests, epochs }: Whole): Proof {
    const { stream, fromMs, toMs, keystore, vault } = this.#parts;
    const envelopes = [...epochs].sort().map((epoch) => this.#envelopes.get(epoch));
    return {
      ...{ site: keystore.site, camera: stream.camera, rendition: stream.rendition },
      ...{ file: hash, fileLength: blob.size, fromMs, toMs, madeMs: Date.now() },
      ...{ member: keystore.member, statements: vault.rosters.history.statements },
      ...{ envelopes: envelopes.filter((body) => body !== undefined), segments, manifests },
    };
  }
}

/** Segments that are fetched together: those that lie side by side, up to a few mebibytes. */
function* stretches(segments: readonly Segment[]): Generator<Segment[]> {
  let stretch: Segment[] = [];
  let bytes = 0;
  for (const segment of segments) {
    const beside = endOffset(stretch.at(-1)) === segment.offset;
    if (stretch.length > 0 && (!beside || bytes + segment.len > STRETCH)) {
      yield stretch;
      [stretch, bytes] = [[], 0];
    }
    stretch.push(segment);
    bytes += segment.len;
  }
  if (stretch.length > 0) yield stretch;
}

function endOffset(segment: Segment | undefined): number {
  return segment === undefined ? 0 : segment.offset + segment.len;
}

function segmentAt(stretch: readonly Segment[], offset: number): Segment {
  const found = stretch.findLast((each) => each.offset <= offset) ?? stretch[0];
  if (found === undefined) throw new RangeError("an empty stretch");
  return found;
}
