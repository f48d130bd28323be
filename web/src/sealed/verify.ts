// The offline check of a recording: is it whole, in order, and the sealer's? It walks the records of one
// stream as they lie on disk and needs no key to a single picture; what the frames show is checked by
// those who can open them (`segment.ts`).

import type { Bytes } from "../domain/bytes.ts";
import { equal, ZERO_HASH } from "../domain/bytes.ts";
import { SealedError } from "../domain/errors.ts";
import type { Hash } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";
import { attempt, decodeClose, intact } from "./checks.ts";
import type { Head, Manifest } from "./manifest.ts";
import { decodeManifest } from "./manifest.ts";
import type { Record } from "./record.ts";
import { HEADER_LEN } from "./record.ts";
import type { Hole, Problem, Report } from "./report.ts";
import { emptyReport, find, isExplained, MAX_SILENCE } from "./report.ts";
import type { RecordingRequest } from "./seals.ts";
import { Seals } from "./seals.ts";
import type { SegmentHeader } from "./segment.ts";
import { decodeSegmentHeader } from "./segment.ts";

/** A segment that has been begun. */
interface Current {
  readonly header: SegmentHeader;
  frames: number;
  chain: Bytes;
  closed: boolean;
  /** Frames that a manifest spoke for. */
  signedFrames: number | null;
  /** A manifest said that it ended here. */
  settled: boolean;
}

/** Walks the records of one stream. */
export class RecordingVerifier {
  readonly #request: RecordingRequest;
  readonly #report = emptyReport();
  readonly #holes: Hole[] = [];
  readonly #seals: Seals;
  #current: Current | null = null;
  #manifest: Manifest | null = null;
  #now = 0n;
  #signedTo: bigint | null = null;

  constructor(request: RecordingRequest) {
    this.#request = request;
    this.#seals = new Seals(request);
  }

  /** Takes the next record. Calls follow each other: await each. */
  async push(record: Record): Promise<void> {
    this.#report.bytes += HEADER_LEN + record.body.length;
    switch (record.header.kind) {
      case "segment":
        return await this.#onSegment(record);
      case "frame":
        return await this.#onFrame(record);
      case "close":
        return await this.#onClose(record);
      case "manifest":
        return await this.#onManifest(record);
      case "envelope":
        return this.#find({ kind: "malformed" });
    }
  }

  /** Notes that the stream has bytes that are no record. */
  pushGarbage(): void {
    this.#find({ kind: "malformed" });
  }

  /** What was found so far. Holes that a later gap may explain are not in it yet. */
  get report(): Readonly<Report> {
    return this.#report;
  }

  /** Up to when the sealer's own signature covers what came, all of it as signed; `null`: not yet. */
  get signedTo(): bigint | null {
    return this.#signedTo;
  }

  /** Counts holes that ended before `time` and that no signed gap explains as findings. */
  settle(time: bigint): void {
    const open = this.#holes.splice(0);
    for (const hole of open) {
      if (hole.until >= time) this.#holes.push(hole);
      else if (!isExplained(hole, this.#report.gaps)) find(this.#report, hole);
    }
  }

  /** Ends the walk. */
  finish(): Report {
    const current = this.#current;
    if (current !== null) {
      const signed = current.signedFrames ?? 0;
      if (!current.settled) this.#report.unsignedTail = Math.max(0, current.frames - signed);
      if (current.signedFrames === null && current.closed) this.#find({ kind: "unsigned" });
    }
    for (const hole of this.#holes) {
      if (!isExplained(hole, this.#report.gaps)) find(this.#report, hole);
    }
    return this.#report;
  }

  async #onSegment(record: Record): Promise<void> {
    const header = attempt(() => decodeSegmentHeader(record));
    if (header instanceof SealedError) {
      const elsewhere = header.code === "other-scope";
      return this.#find({ kind: elsewhere ? "elsewhere" : "malformed" });
    }
    const chain = await intact(ZERO_HASH, record);
    if (chain === null) return this.#find({ kind: "changed" }, header.number);
    if (!this.#isMine(header)) return this.#find({ kind: "elsewhere" }, header.number);
    const problem = await this.#seals.begin(header);
    if (problem !== null) this.#find(problem, header.number);
    if (this.#current !== null) this.#leave(this.#current, header);
    this.#now = header.start;
    this.#report.segments += 1;
    this.#report.first ??= header.start;
    const fresh = { frames: 0, closed: false, signedFrames: null, settled: false };
    this.#current = { header, chain, ...fresh };
  }

  /** What the start of the next segment says about the one before it. */
  #leave(before: Current, next: SegmentHeader): void {
    const { number } = before.header;
    if (next.number <= number) return this.#find({ kind: "repeated" }, next.number);
    const ended = before.closed || before.settled;
    if (!ended) this.#hole({ kind: "cut-short" }, number, 1n, next.start);
    else if (before.signedFrames === null) this.#find({ kind: "unsigned" }, number);
    const count = next.number - number - 1n;
    if (count > 0n) this.#hole({ kind: "missing", count }, number + 1n, count, next.start);
    else if (ended && !equal(next.previous, before.chain)) {
      this.#find({ kind: "spliced" }, next.number);
    }
  }

  async #onFrame(record: Record): Promise<void> {
    this.#report.frames += 1;
    const current = this.#current;
    if (current === null) return this.#find({ kind: "malformed" });
    const { index, rendition } = record.header;
    if (current.closed || rendition !== current.header.rendition) {
      return this.#find({ kind: "out-of-order" });
    }
    if (index !== current.frames) {
      current.frames = index + 1;
      return this.#find({ kind: "out-of-order" });
    }
    current.frames += 1;
    const chain = await intact(current.chain, record);
    if (chain === null) return this.#find({ kind: "changed" });
    current.chain = chain;
  }

  async #onClose(record: Record): Promise<void> {
    const current = this.#current;
    if (current === null) return this.#find({ kind: "malformed" });
    const close = attempt(() => decodeClose(record));
    if (close instanceof SealedError) return this.#find({ kind: "malformed" });
    const fits = record.header.index === current.frames && close.number === current.header.number;
    if (current.closed || !fits) return this.#find({ kind: "out-of-order" });
    current.closed = true;
    const chain = await intact(current.chain, record);
    this.#now = close.end;
    this.#speaksFor(close.end);
    if (chain === null) return this.#find({ kind: "changed" });
    current.chain = chain;
  }

  async #onManifest(record: Record): Promise<void> {
    this.#report.manifests += 1;
    if ((await intact(ZERO_HASH, record)) === null) return this.#find({ kind: "changed" });
    try {
      const manifest = await decodeManifest(record);
      if (!this.#isMine(manifest)) return this.#find({ kind: "elsewhere" });
      await this.#seals.check(manifest);
      this.#now = manifest.time;
      const before = this.#report.findingCount;
      this.#checkFollows(manifest);
      for (const head of manifest.heads) this.#checkHead(head);
      this.#speaksFor(manifest.time);
      this.#report.gaps.push(...manifest.gaps);
      if (this.#report.findingCount === before) this.#signedTo = manifest.time;
    } catch (error) {
      if (!(error instanceof SealedError)) throw error;
      this.#find({ kind: "bad-manifest", code: error.code });
    }
  }

  #checkFollows(manifest: Manifest): void {
    const last = this.#manifest;
    this.#manifest = manifest;
    if (last === null) return;
    const broken = { kind: "broken-manifests" } as const;
    if (manifest.counter <= last.counter) return this.#find(broken);
    if (manifest.counter > last.counter + 1n) return this.#silent(broken, last, manifest);
    if (manifest.previous !== last.hash) return this.#find(broken);
    const silence = manifest.time - last.time;
    if (silence > MAX_SILENCE) {
      this.#silent({ kind: "silent", seconds: silence / 1_000n }, last, manifest);
    }
  }

  #checkHead(head: Head): void {
    const current = this.#current;
    if (current === null || head.number < current.header.number) return;
    if (head.number > current.header.number) {
      const [from, count] = [current.header.number + 1n, head.number - current.header.number];
      return this.#hole({ kind: "missing", count }, from, count, this.#now);
    }
    if (head.frames > current.frames && !current.closed) {
      // The recorder lost its end, which only a signed gap explains.
      return this.#hole({ kind: "not-as-signed" }, current.header.number, 1n, this.#now);
    }
    const here = head.frames === current.frames && head.chain === idOf<Hash>(current.chain);
    // The next process of a sealer calls a segment recovered whether it found a close or not.
    const fits = head.state === "recovered" || (head.state === "closed") === current.closed;
    if (!here || !fits) {
      return this.#find({ kind: "not-as-signed" });
    }
    current.signedFrames = current.frames;
    current.settled = head.state !== "running";
  }

  #isMine({ scope, rendition }: Pick<SegmentHeader, "scope" | "rendition">): boolean {
    const { camera, rosters } = this.#request;
    const place = scope.camera === camera && rendition === this.#request.rendition;
    return place && scope.site === rosters.current.site;
  }

  #speaksFor(time: bigint): void {
    const { last } = this.#report;
    if (last === null || time > last) this.#report.last = time;
  }

  #hole(problem: Problem, first: bigint, count: bigint, until: bigint): void {
    this.#holes.push({ problem, segment: first, time: this.#now, first, count, until });
  }

  #silent(problem: Problem, last: Manifest, next: Manifest): void {
    const none = { segment: null, first: 0n, count: 0n };
    this.#holes.push({ problem, time: last.time, until: next.time, ...none });
  }

  #find(problem: Problem, segment = this.#current?.header.number ?? null): void {
    find(this.#report, { problem, segment, time: this.#now });
  }
}
