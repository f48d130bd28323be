// Why nothing was recorded: the sealer's signed gaps, read from the manifests that lie behind the last segment
// before a hole. Only the tail of that segment is fetched; a manifest is found in it by the place that it is
// bound to, and believed for its signature alone.

import type { Bytes } from "../domain/bytes.ts";
import { concat, equal } from "../domain/bytes.ts";
import { SealedError } from "../domain/errors.ts";
import type { CameraId, SiteId } from "../domain/id.ts";
import { bytesOf } from "../domain/id.ts";
import { sealerOf } from "../identity/roster/state.ts";
import type { Gap, GapReason, Manifest } from "../sealed/manifest.ts";
import { decodeManifest, verifyManifest } from "../sealed/manifest.ts";
import { decodeHeader, HEADER_LEN, Splitter } from "../sealed/record.ts";
import type { RosterHistory } from "../sealed/roster.ts";
import type { FetchAll } from "./keys.ts";
import type { SegmentIndex, Stream } from "./segments.ts";
import { endOf } from "./segments.ts";

/** Bytes at the end of a segment in which its last manifests lie. */
export const TAIL = 64 * 1024;

/** A stretch without recording, and why. */
export interface ToldGap {
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: GapReason;
}

/** What the question needs. */
export interface GapParts {
  readonly stream: Stream;
  readonly site: SiteId;
  readonly index: SegmentIndex;
  readonly rosters: RosterHistory;
  readonly fetch: FetchAll;
}

/** The signed gaps that touch `fromMs … toMs`, where the index shows nothing. */
export async function gapsWithin(
  parts: GapParts,
  fromMs: number,
  toMs: number,
  signal: AbortSignal,
): Promise<ToldGap[]> {
  const last = await parts.index.lastBefore(fromMs + 1);
  if (last === null || endOf(last) > toMs) return [];
  const { camera, rendition } = parts.stream;
  const end = last.offset + last.len;
  const range = { start: Math.max(last.offset, end - TAIL), end };
  const path = `/cameras/${camera}/data?rendition=${rendition}`;
  const tail = await parts.fetch(path, range, signal);
  const manifests = await manifestsIn(tail, parts.site, parts.stream);
  const sealer = sealerOf(parts.rosters.current, camera);
  const out: ToldGap[] = [];
  for (const manifest of manifests) {
    if (sealer === undefined || !(await isSigned(manifest, sealer))) continue;
    out.push(...manifest.gaps.map(told).filter((gap) => gap.toMs >= fromMs && gap.fromMs <= toMs));
  }
  return out;
}

function told({ reason, from, to }: Gap): ToldGap {
  return { reason, fromMs: Number(from), toMs: Number(to) };
}

async function isSigned(manifest: Manifest, sealer: Parameters<typeof verifyManifest>[1]) {
  try {
    await verifyManifest(manifest, sealer);
    return true;
  } catch (error) {
    if (error instanceof SealedError) return false;
    throw error;
  }
}

/** The manifests of `stream` that lie in `bytes`, which may begin in the middle of a record. */
export async function manifestsIn(
  bytes: Bytes,
  site: SiteId,
  { camera, rendition }: { camera: CameraId; rendition: "main" | "sub" },
): Promise<Manifest[]> {
  const place = concat(bytesOf(site), bytesOf(camera), Uint8Array.of(rendition === "main" ? 0 : 1));
  const out: Manifest[] = [];
  for (let at = HEADER_LEN; at + 1 + place.length <= bytes.length; at += 1) {
    const fits = bytes[at] === 1 && bytes[at + 1] === place[0];
    if (!fits || !equal(bytes.subarray(at + 1, at + 1 + place.length), place)) continue;
    const manifest = await manifestAt(bytes.subarray(at - HEADER_LEN));
    if (manifest !== null) out.push(manifest);
  }
  return out;
}

async function manifestAt(bytes: Bytes): Promise<Manifest | null> {
  try {
    const { kind, bodyLength } = decodeHeader(bytes);
    if (kind !== "manifest") return null;
    const [record] = [...new Splitter().push(bytes.subarray(0, HEADER_LEN + bodyLength))];
    return record === undefined ? null : await decodeManifest(record);
  } catch (error) {
    if (error instanceof SealedError) return null;
    throw error;
  }
}
