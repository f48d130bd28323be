// Manifests: what was recorded and what was not, signed by the sealer (docs/sealed-stream.md §7).

import type { Bytes } from "../domain/bytes.ts";
import { demand } from "../domain/errors.ts";
import type { CameraId, EpochId, Hash, KeyId, SiteId } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";
import { Reader } from "../domain/wire.ts";
import type { VerifyingKey } from "../identity/key.ts";
import { SIGNATURE_LEN, verify } from "../identity/key.ts";
import type { Record, Rendition } from "./record.ts";
import { hashOf, nameOf, RENDITIONS } from "./record.ts";
import type { Scope } from "./scope.ts";

/** Segments that one manifest speaks of. */
export const MAX_HEADS = 4;

/** Gaps that one manifest tells. */
export const MAX_GAPS = 32;

/** A segment's state when the manifest was signed, by its code. */
export const STATES = { 1: "running", 2: "closed", 3: "recovered" } as const;
export type SegmentState = (typeof STATES)[keyof typeof STATES];

/** Why nothing was recorded, by its code. */
export const GAP_REASONS = {
  1: "restart",
  2: "camera-offline",
  3: "camera-stalled",
  4: "camera-refused",
  5: "disk-full",
  6: "disk-failed",
  7: "overload",
  8: "clock-jump",
  9: "paused",
  10: "recorder-away",
} as const;
export type GapReason = (typeof GAP_REASONS)[keyof typeof GAP_REASONS];

/** Where a segment's chain stood. */
export interface Head {
  readonly number: bigint;
  readonly frames: number;
  readonly state: SegmentState;
  readonly chain: Hash;
}

/** Between `from` and `to` nothing was recorded; these segments are missing or cut short. */
export interface Gap {
  readonly reason: GapReason;
  readonly from: bigint;
  readonly to: bigint;
  readonly firstSegment: bigint;
  readonly segments: bigint;
}

/** A manifest as it was read. */
export interface Manifest {
  readonly scope: Scope;
  readonly rendition: Rendition;
  readonly sealer: KeyId;
  /** Hash of the epoch's envelope record. */
  readonly envelope: Hash;
  /** One more than the previous manifest's of this stream. */
  readonly counter: bigint;
  /** When it was signed, in milliseconds since 1970. */
  readonly time: bigint;
  /** Hash of the previous manifest record of this stream; zero for counter 0. */
  readonly previous: Hash;
  readonly heads: readonly Head[];
  readonly gaps: readonly Gap[];
  /** Its own hash: the chain of its record. */
  readonly hash: Hash;
  readonly signed: Bytes;
  readonly signature: Bytes;
}

/** Reads a manifest record without believing it; refuses one whose check field does not agree. */
export async function decodeManifest(record: Record): Promise<Manifest> {
  demand(record.header.kind === "manifest", "not-of-segment", "record kind");
  const input = new Reader(record.body.slice());
  input.exactly("manifest version", 1);
  const site = idOf<SiteId>(input.view("site", 16));
  const camera = idOf<CameraId>(input.view("camera", 16));
  const rendition = nameOf(RENDITIONS, input.u8("rendition"), "rendition");
  const epoch = idOf<EpochId>(input.view("epoch", 16));
  const sealer = idOf<KeyId>(input.view("sealer", 16));
  const envelope = idOf<Hash>(input.view("envelope", 32));
  const [counter, time] = [input.u64("counter"), input.u64("time")];
  const previous = idOf<Hash>(input.view("previous", 32));
  const heads = Array.from({ length: input.count8("heads", MAX_HEADS) }, () => decodeHead(input));
  const gaps = Array.from({ length: input.count8("gaps", MAX_GAPS) }, () => decodeGap(input));
  const signed = input.before();
  const signature = input.view("signature", SIGNATURE_LEN);
  input.finish("manifest");
  demand(rendition === record.header.rendition, "other-scope", "rendition");
  const scope = { site, camera, epoch };
  const said = { scope, rendition, sealer, envelope, counter, time, previous, heads, gaps };
  return { ...said, hash: idOf<Hash>(await hashOf(record)), signed, signature };
}

function decodeHead(input: Reader): Head {
  return {
    number: input.u64("head segment"),
    frames: input.u32("head frames"),
    state: nameOf(STATES, input.u8("head state"), "head state"),
    chain: idOf<Hash>(input.view("head chain", 32)),
  };
}

function decodeGap(input: Reader): Gap {
  return {
    reason: nameOf(GAP_REASONS, input.u8("gap reason"), "gap reason"),
    from: input.u64("gap from"),
    to: input.u64("gap to"),
    firstSegment: input.u64("gap first segment"),
    segments: input.u64("gap segments"),
  };
}

/** Checks that `sealer` signed it. */
export async function verifyManifest(manifest: Manifest, sealer: VerifyingKey): Promise<void> {
  demand(manifest.sealer === sealer.id, "not-the-sealer", "manifest");
  const { signed, signature } = manifest;
  const good = await verify(sealer, "bartizan/v1/manifest", signed, signature);
  demand(good, "bad-signature", "manifest");
}
