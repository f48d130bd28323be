// Watches the records that play go by, checks them as the offline check does (`sealed/verify.ts`), and says
// which stretches the sealer's signature covers and which are not what it signed.

import { SealedError } from "../domain/errors.ts";
import type { CameraId } from "../domain/id.ts";
import type { Record } from "../sealed/record.ts";
import type { Finding, Problem } from "../sealed/report.ts";
import type { RosterHistory } from "../sealed/roster.ts";
import { decodeSegmentHeader } from "../sealed/segment.ts";
import { RecordingVerifier } from "../sealed/verify.ts";
import type { EpochStore } from "./epochs.ts";
import type { Fault, Mark } from "./marks.ts";
import type { Segment, Stream } from "./segments.ts";
import { endOf } from "./segments.ts";

/** A hole that no gap explains so long after it is a finding, in milliseconds. */
const PATIENCE = 15_000n;

/** Segments whose numbers are remembered: findings are about the last two or three. */
const MAX_PLACES = 16;

/** What was found since the last question. */
export interface Testimony {
  readonly marks: readonly Mark[];
  /** Up to when what was played is signed; `null`: not yet. */
  readonly signedTo: number | null;
}

/** Checks one uninterrupted run over a stream. */
export class Witness {
  readonly #verifier: RecordingVerifier;
  readonly #places = new Map<bigint, Segment>();
  #segment: Segment | null = null;
  /** The last segment that something was wrong with. */
  #faulty: Segment | null = null;
  /** Since when nothing was wrong. */
  #goodFrom: number | null = null;
  #seen = 0;
  #marks: Mark[] = [];

  constructor(stream: Stream & { camera: CameraId }, rosters: RosterHistory, epochs: EpochStore) {
    const envelope = (epoch: Parameters<EpochStore["record"]>[0]) =>
      epochs.record(epoch).catch(() => undefined);
    this.#verifier = new RecordingVerifier({ ...stream, rosters, envelope });
  }

  /** The bytes that follow are those of `segment`. */
  enter(segment: Segment): void {
    this.#segment = segment;
    this.#goodFrom ??= segment.startMs;
  }

  /** Takes the next record. */
  async push(record: Record): Promise<void> {
    if (record.header.kind === "segment") this.#note(record);
    await this.#verifier.push(record);
    if (record.header.kind !== "frame" || this.#isNew()) this.#take();
  }

  /** The segment at hand holds bytes that are no record. */
  pushGarbage(): void {
    this.#verifier.pushGarbage();
    this.#take();
  }

  /** Notes what was found elsewhere: a segment that can't be opened. */
  blame(fault: Fault): void {
    const segment = this.#segment;
    if (segment === null) return;
    this.#faulty = segment;
    this.#marks.push({ from: segment.startMs, to: endOf(segment), fault });
    this.#goodFrom = endOf(segment);
  }

  /** What was found since the last call. */
  testify(): Testimony {
    const marks = this.#marks;
    this.#marks = [];
    const signedTo = this.#verifier.signedTo;
    return { marks, signedTo: signedTo === null ? null : Number(signedTo) };
  }

  #isNew(): boolean {
    return this.#verifier.report.findingCount > this.#seen;
  }

  #take(): void {
    const { signedTo, report } = this.#verifier;
    if (report.last !== null) this.#verifier.settle(report.last - PATIENCE);
    if (this.#isNew()) this.#accuse(report.findings.slice(this.#seen));
    this.#seen = report.findingCount;
    const from = this.#goodFrom;
    if (signedTo === null || from === null || Number(signedTo) <= from) return;
    this.#marks.push({ from, to: Number(signedTo), fault: null });
  }

  /** Marks the segments that findings are about. */
  #accuse(findings: readonly Finding[]): void {
    for (const { problem, segment } of findings) {
      const place = this.#placeOf(problem, segment);
      if (place === null) continue;
      this.#faulty = place;
      this.#marks.push({ from: place.startMs, to: endOf(place), fault: problem.kind });
      this.#goodFrom = Math.max(this.#goodFrom ?? 0, endOf(place));
    }
  }

  /** That a segment does not follow a damaged one is the damaged one's fault. */
  #placeOf({ kind }: Problem, number: bigint | null): Segment | null {
    const before = number === null ? undefined : this.#places.get(number - 1n);
    if (kind === "spliced" && before !== undefined && before === this.#faulty) return before;
    return (number === null ? undefined : this.#places.get(number)) ?? this.#segment;
  }

  /** Which number the segment at hand has. */
  #note(record: Record): void {
    const segment = this.#segment;
    if (segment === null) return;
    try {
      this.#places.set(decodeSegmentHeader(record).number, segment);
    } catch (error) {
      if (!(error instanceof SealedError)) throw error;
      return;
    }
    const [oldest] = this.#places.keys();
    if (this.#places.size > MAX_PLACES && oldest !== undefined) this.#places.delete(oldest);
  }
}
