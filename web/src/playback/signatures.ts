// What is told about the signatures of what one camera plays: up to when they reach, whose they are, and what does not fit.

import type { CameraId, Fingerprint, KeyId } from "../domain/id.ts";
import { fingerprint } from "../identity/key.ts";
import type { SegmentHeader } from "../sealed/segment.ts";
import type { Mark } from "./marks.ts";
import type { Stream } from "./segments.ts";
import type { Vault } from "./vault.ts";
import { Witness } from "./witness.ts";

/** One camera's signatures. */
export class Signatures {
  readonly #vault: Vault;
  readonly #camera: CameraId;
  readonly #marks: (marks: readonly Mark[]) => void;
  #witness: Witness | null = null;
  #key: KeyId | null = null;
  #fingerprint: Fingerprint | null = null;
  #signedTo: number | null = null;

  constructor(vault: Vault, camera: CameraId, marks: (marks: readonly Mark[]) => void) {
    this.#vault = vault;
    this.#camera = camera;
    this.#marks = marks;
  }

  /** Who watches a run over `stream`. */
  watch(stream: Stream): Witness {
    const { rosters } = this.#vault;
    this.#witness = new Witness(stream, rosters.history, this.#vault.epochs(this.#camera));
    return this.#witness;
  }

  /** Whose hand it is: asked for once an epoch, and known already when its segments open. */
  segment({ scope, sealer }: SegmentHeader): void {
    if (sealer === this.#key) return;
    this.#key = sealer;
    const opened = this.#vault.epochs(this.#camera).open(scope.epoch);
    opened
      .then(({ epoch }) => fingerprint(epoch.sealer.bytes))
      .then((found) => {
        this.#fingerprint = found;
      })
      .catch(() => undefined);
  }

  /** Takes what the witness has found since it was asked last. */
  ask(): void {
    const found = this.#witness?.testify();
    if (found === undefined) return;
    this.#signedTo = found.signedTo;
    if (found.marks.length > 0) this.#marks(found.marks);
  }

  /** While the picture of `pictureMs` is seen: what was loaded ahead is signed, too, and says nothing about that. */
  state(pictureMs: number | null) {
    const lastSigned = this.#signedTo;
    const seen = pictureMs !== null && lastSigned !== null;
    const signedTo = seen ? Math.min(lastSigned, pictureMs) : null;
    return { signedTo, lastSigned, sealer: this.#fingerprint };
  }
}
