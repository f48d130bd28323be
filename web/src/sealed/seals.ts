// Whose hand is under a recording: finds each epoch's envelope, checks it by the roster that it names, and
// holds manifests to the sealer of their epoch. It needs no reader key.

import { SealedError } from "../domain/errors.ts";
import type { CameraId, EpochId, Hash } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";
import type { VerifyingKey } from "../identity/key.ts";
import { sealerOf } from "../identity/roster/state.ts";
import type { Envelope } from "./envelope.ts";
import { decodeEnvelope, verifyEnvelope } from "./envelope.ts";
import type { Manifest } from "./manifest.ts";
import { verifyManifest } from "./manifest.ts";
import type { Record, Rendition } from "./record.ts";
import { hashOf } from "./record.ts";
import type { Problem } from "./report.ts";
import type { RosterHistory } from "./roster.ts";
import { sameScope } from "./scope.ts";
import type { SegmentHeader } from "./segment.ts";

/** What is checked, and against what. */
export interface RecordingRequest {
  readonly camera: CameraId;
  readonly rendition: Rendition;
  readonly rosters: RosterHistory;
  /** Finds the envelope record of an epoch. */
  readonly envelope: (epoch: EpochId) => Promise<Record | undefined> | Record | undefined;
}

/** The verified envelopes of one recording. */
export class Seals {
  readonly #request: RecordingRequest;
  /** `null`: looked for, and not there or refused. */
  readonly #epochs = new Map<EpochId, { sealer: VerifyingKey; hash: Hash } | null>();

  constructor(request: RecordingRequest) {
    this.#request = request;
  }

  /** Checks the envelope of a segment's epoch, once an epoch; gives what is wrong with it. */
  async begin(header: SegmentHeader): Promise<Problem | null> {
    const { epoch } = header.scope;
    if (this.#epochs.has(epoch)) return null;
    this.#epochs.set(epoch, null);
    const record = await this.#request.envelope(epoch);
    if (record === undefined) return { kind: "no-envelope" };
    try {
      const envelope = decodeEnvelope(record.body);
      const same = sameScope(envelope.scope, header.scope) && envelope.sealer === header.sealer;
      if (!same) return { kind: "elsewhere" };
      const sealer = await this.#verify(envelope);
      this.#epochs.set(epoch, { sealer, hash: idOf<Hash>(await hashOf(record)) });
      return null;
    } catch (error) {
      if (!(error instanceof SealedError)) throw error;
      return { kind: "bad-envelope", code: error.code };
    }
  }

  async #verify(envelope: Envelope): Promise<VerifyingKey> {
    const roster = this.#request.rosters.at(envelope.rosterHead);
    if (roster === undefined) throw new SealedError("other-roster", "envelope");
    return await verifyEnvelope(envelope, roster);
  }

  /**
   * Refuses a manifest that is not of the camera's own sealer: that of its epoch or, while the epoch's
   * envelope was not met, today's.
   */
  async check(manifest: Manifest): Promise<void> {
    const { rosters, camera } = this.#request;
    const epoch = this.#epochs.get(manifest.scope.epoch) ?? null;
    const sealer = epoch?.sealer ?? sealerOf(rosters.current, camera);
    if (sealer === undefined) throw new SealedError("not-the-sealer", "manifest");
    await verifyManifest(manifest, sealer);
    if (epoch !== null && epoch.hash !== manifest.envelope) {
      throw new SealedError("broken-chain", "envelope");
    }
  }
}
