// One exported file in the making, and what its proof will say. The twin of `shell/client/src/export/part.rs`.

import type { Bytes } from "../domain/bytes.ts";
import type { EpochId } from "../domain/id.ts";
import type { Head } from "../sealed/manifest.ts";
import type { Frame, SegmentHeader } from "../sealed/segment.ts";
import { GrowingFile } from "./file.ts";
import type { Fit } from "./mux.ts";
import { Mux } from "./mux.ts";
import type { SegmentProof } from "./proof.ts";
import { FrameDigest, MAX_MANIFESTS, MAX_PROOF, MAX_SEGMENTS } from "./proof.ts";

/** Largest file in bytes: what every file system and browser takes. The rest goes into a further file. */
const MAX_FILE = 3 * 1024 * 1024 * 1024;

/** A segment that is being exported. */
interface Draft {
  readonly number: bigint;
  readonly header: Bytes;
  signed: Head | null;
  exported: number;
  unsigned: number;
  readonly digest: FrameDigest;
}

/** A segment and the body of its header record. */
export interface Begun {
  readonly header: SegmentHeader;
  readonly body: Bytes;
}

/** A whole file. */
export interface Whole {
  readonly blob: Blob;
  readonly hash: Bytes;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly pictures: number;
  readonly unsigned: number;
  readonly segments: readonly SegmentProof[];
  readonly manifests: readonly Bytes[];
  readonly epochs: ReadonlySet<EpochId>;
}

/** A file in the making. */
export class Part {
  readonly #file = new GrowingFile();
  readonly #mux: Mux;
  readonly #firstMs: number;
  readonly #segments: Promise<SegmentProof>[] = [];
  readonly #manifests: Bytes[] = [];
  readonly #epochs = new Set<EpochId>();
  #current: Draft | null = null;
  #lastMs: number;
  #frames = 0;
  #pictures = 0;
  #unsigned = 0;
  #proofBytes = 0;

  constructor(firstMs: number) {
    this.#firstMs = firstMs;
    this.#lastMs = firstMs;
    this.#mux = new Mux(firstMs);
    this.#file.append([this.#mux.head]);
  }

  /** Whether the next segment belongs into a new file. */
  get isFull(): boolean {
    const segments = this.#segments.length + 2 > MAX_SEGMENTS;
    const manifests = this.#manifests.length + 1_000 > MAX_MANIFESTS;
    const proof = this.#proofBytes > (MAX_PROOF / 4) * 3;
    return this.#mux.wantsNewFile || segments || manifests || proof || this.#file.length > MAX_FILE;
  }

  frame(segment: Begun, index: number, frame: Frame): Fit["kind"] {
    const fit = this.#mux.frame(segment.header.session, frame);
    if (fit.kind !== "taken") return fit.kind;
    this.#file.append(fit.bytes);
    this.#epochs.add(segment.header.scope.epoch);
    this.#current ??= draftOf(segment);
    this.#current.digest.add(index, frame);
    this.#current.exported += 1;
    this.#current.unsigned += 1;
    this.#frames += 1;
    if (frame.track === "video") this.#pictures += 1;
    this.#lastMs = Math.max(this.#lastMs, Number(frame.captured));
    return "taken";
  }

  /** The segment is over: another one begins, or the export ends. */
  leaveSegment(): void {
    const draft = this.#current;
    this.#current = null;
    if (draft === null) return;
    this.#unsigned += draft.unsigned;
    this.#proofBytes += 256;
    const { header, signed, exported, unsigned } = draft;
    const digest = draft.digest.finish();
    this.#segments.push(
      digest.then((hash) => ({ header, signed, exported, unsigned, digest: hash })),
    );
  }

  manifest(body: Bytes, head: Head | null): void {
    this.#proofBytes += body.length + 4;
    this.#manifests.push(body);
    const draft = this.#current;
    if (draft === null || head === null || head.number !== draft.number) return;
    draft.signed = head;
    draft.unsigned = 0;
  }

  /** Closes the file; `null` when nothing went into it. */
  async finish(): Promise<Whole | null> {
    this.leaveSegment();
    if (this.#frames === 0) return null;
    const { tail, patch } = this.#mux.finish();
    this.#file.append(tail);
    await this.#file.patch(patch.offset, patch.bytes);
    const { blob, hash } = await this.#file.finish("video/mp4");
    return {
      ...{ blob, hash, firstMs: this.#firstMs, lastMs: this.#lastMs, pictures: this.#pictures },
      ...{ unsigned: this.#unsigned, segments: await Promise.all(this.#segments) },
      ...{ manifests: this.#manifests, epochs: this.#epochs },
    };
  }
}

function draftOf({ header, body }: Begun): Draft {
  const digest = new FrameDigest();
  return { number: header.number, header: body, signed: null, exported: 0, unsigned: 0, digest };
}
