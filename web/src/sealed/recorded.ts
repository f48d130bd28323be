// Opens the records of a recording one by one, for playing and exporting. Unlike `StreamOpener` it asks for
// envelopes when it meets their epochs, it starts anywhere, and a refusal ends one segment only: whoever
// plays goes on with the next, whoever exports stops. Whether segments are missing is `verify.ts`'s question.

import type { Bytes } from "../domain/bytes.ts";
import { equal } from "../domain/bytes.ts";
import { demand, refuse } from "../domain/errors.ts";
import type { CameraId, EpochId, Hash, SiteId } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";
import type { Head, Manifest } from "./manifest.ts";
import { decodeManifest, verifyManifest } from "./manifest.ts";
import type { Record, Rendition } from "./record.ts";
import type { Epoch } from "./scope.ts";
import type { Frame, SegmentClose, SegmentHeader } from "./segment.ts";
import { decodeSegmentHeader, SegmentOpener } from "./segment.ts";

/** An epoch whose envelope was verified and opened. */
export interface OpenEpoch {
  readonly epoch: Epoch;
  /** Hash of the envelope record. */
  readonly hash: Hash;
  /** The envelope record's body. */
  readonly body: Bytes;
}

/** What is opened. */
export interface RecordedRequest {
  readonly site: SiteId;
  readonly camera: CameraId;
  readonly rendition: Rendition;
  /** Finds, verifies and opens an epoch; rejects with a `SealedError` when it is refused. */
  readonly epoch: (id: EpochId) => Promise<OpenEpoch>;
}

/** What one record held. */
export type Step =
  | { readonly kind: "segment"; readonly header: SegmentHeader; readonly body: Bytes }
  | { readonly kind: "frame"; readonly index: number; readonly opened: Promise<Frame> }
  | { readonly kind: "close"; readonly close: SegmentClose }
  | {
      readonly kind: "manifest";
      readonly manifest: Manifest;
      readonly body: Bytes;
      /** What it says of the segment at hand, when that is what came. */
      readonly head: Head | null;
    };

/** Opens records of one stream. Calls follow each other: await each. */
export class RecordedOpener {
  readonly #request: RecordedRequest;
  #segment: SegmentOpener | null = null;
  #manifest: Manifest | null = null;

  constructor(request: RecordedRequest) {
    this.#request = request;
  }

  /** Takes the next record. After a refusal, go on with the next segment header. */
  async push(record: Record): Promise<Step> {
    const { kind, rendition } = record.header;
    demand(rendition === this.#request.rendition, "other-scope", "record rendition");
    if (kind === "segment") return await this.#begin(record);
    if (kind === "manifest") return await this.#readManifest(record);
    const segment = this.#segment ?? refuse("not-of-segment", "record kind");
    if (kind === "close") return { kind: "close", close: await segment.close(record) };
    const { opened } = await segment.frame(record);
    return { kind: "frame", index: record.header.index, opened };
  }

  /** Forgets the segment at hand: what comes next lies elsewhere. */
  leave(): void {
    this.#segment = null;
    this.#manifest = null;
  }

  async #begin(record: Record): Promise<Step> {
    const header = decodeSegmentHeader(record);
    this.#expectPlace(header);
    const last = this.#segment;
    this.#segment = null;
    if (last !== null) {
      demand(header.number > last.header.number, "out-of-order", "segment number");
      const next = last.closed && header.number === last.header.number + 1n;
      demand(!next || equal(header.previous, last.chain), "broken-chain", "segment");
    }
    const { epoch } = await this.#request.epoch(header.scope.epoch);
    this.#segment = await SegmentOpener.begin(epoch, record);
    return { kind: "segment", header, body: record.body.slice() };
  }

  async #readManifest(record: Record): Promise<Step> {
    const manifest = await decodeManifest(record);
    this.#expectPlace(manifest);
    const { epoch, hash } = await this.#request.epoch(manifest.scope.epoch);
    await verifyManifest(manifest, epoch.sealer);
    demand(manifest.envelope === hash, "broken-chain", "envelope");
    this.#expectNext(manifest);
    const head = this.#headOf(manifest);
    this.#manifest = manifest;
    return { kind: "manifest", manifest, body: record.body.slice(), head };
  }

  /** Counters count up. What the recorder lost leaves a hole, which a signed gap has to explain. */
  #expectNext(manifest: Manifest): void {
    const last = this.#manifest;
    if (last === null) return;
    demand(manifest.counter > last.counter, "wrong-counter", "manifest");
    const next = manifest.counter === last.counter + 1n;
    demand(!next || manifest.previous === last.hash, "broken-chain", "manifest");
  }

  #headOf(manifest: Manifest): Head | null {
    const segment = this.#segment;
    if (segment === null) return null;
    const head = manifest.heads.find(({ number }) => number === segment.header.number);
    if (head === undefined) return null;
    // The recorder lost the segment's end: a signed gap says so, or the offline check finds it.
    if (head.frames > segment.frames && !segment.closed) return null;
    // The next process of a sealer calls a segment recovered whether it finds a close or not.
    const state = head.state === "recovered" || (head.state === "closed") === segment.closed;
    const same = head.frames === segment.frames && head.chain === idOf<Hash>(segment.chain);
    demand(state && same, "broken-chain", "frames");
    return head;
  }

  #expectPlace({ scope, rendition }: Pick<SegmentHeader, "scope" | "rendition">): void {
    const { site, camera } = this.#request;
    demand(scope.site === site, "other-site", "record");
    const mine = scope.camera === camera && rendition === this.#request.rendition;
    demand(mine, "other-scope", "record");
  }
}
