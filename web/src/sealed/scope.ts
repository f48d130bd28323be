// Where an epoch belongs: the part that every signature, wrap and key of the stream is bound to.

import type { Bytes } from "../domain/bytes.ts";
import { concat } from "../domain/bytes.ts";
import type { ExpandKey } from "../domain/hkdf.ts";
import type { CameraId, EpochId, SiteId } from "../domain/id.ts";
import { bytesOf } from "../domain/id.ts";
import type { VerifyingKey } from "../identity/key.ts";

export interface Scope {
  readonly site: SiteId;
  readonly camera: CameraId;
  readonly epoch: EpochId;
}

/** An epoch that is open: its secret only derives keys and can't be read. */
export interface Epoch {
  readonly scope: Scope;
  /** The camera's sealer on the roster that the envelope names. */
  readonly sealer: VerifyingKey;
  readonly secret: ExpandKey;
}

/** `site ‖ camera ‖ epoch`. */
export function scopeBytes({ site, camera, epoch }: Scope): Bytes {
  return concat(bytesOf(site), bytesOf(camera), bytesOf(epoch));
}

export function sameScope(a: Scope, b: Scope): boolean {
  return a.site === b.site && a.camera === b.camera && a.epoch === b.epoch;
}
