// The proof beside an exported file (docs/export-proof.md §3): its bytes and its signature. It writes; who checks
// is the command line (`bartizan verify FILE.mp4`).

import type { Bytes } from "../domain/bytes.ts";
import { concat, sha256 } from "../domain/bytes.ts";
import type { CameraId, MemberId, SiteId } from "../domain/id.ts";
import { bytesOf } from "../domain/id.ts";
import { Writer } from "../domain/wire.ts";
import type { SigningKey } from "../identity/key.ts";
import { sign } from "../identity/key.ts";
import type { Head } from "../sealed/manifest.ts";
import { STATES } from "../sealed/manifest.ts";
import type { Rendition } from "../sealed/record.ts";
import { codeOf, RENDITIONS, TRACKS } from "../sealed/record.ts";
import type { Frame } from "../sealed/segment.ts";

/** Largest proof in bytes, and the most that it lists. */
export const MAX_PROOF = 64 * 1024 * 1024;
export const MAX_SEGMENTS = 100_000;
export const MAX_MANIFESTS = 200_000;
export const MAX_ENVELOPES = 1_000;

const MAGIC = "BARTPRF1";
const CONTEXT = "bartizan/v1/export";
const SEGMENT_HEADER_LEN = 136;

/** What went into the file from one segment. */
export interface SegmentProof {
  /** Body of its header record. */
  readonly header: Bytes;
  /** How the sealer last spoke of it; `null` when it did not. */
  readonly signed: Head | null;
  /** Frames that are in the file. */
  readonly exported: number;
  /** Of those, how many lie behind what the sealer spoke of. */
  readonly unsigned: number;
  readonly digest: Bytes;
}

/** What a proof says. Times are milliseconds since 1970. */
export interface Proof {
  readonly site: SiteId;
  readonly camera: CameraId;
  readonly rendition: Rendition;
  /** SHA-256 and length of the file. */
  readonly file: Bytes;
  readonly fileLength: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly madeMs: number;
  readonly member: MemberId;
  readonly statements: readonly Bytes[];
  readonly envelopes: readonly Bytes[];
  readonly segments: readonly SegmentProof[];
  readonly manifests: readonly Bytes[];
}

/** The file's bytes: the proof, and the exporting member's signature. */
export async function signProof(proof: Proof, key: SigningKey): Promise<Bytes> {
  const body = encodeProof(proof);
  return concat(body, await sign(key, CONTEXT, body));
}

/** The proof without its signature. */
export function encodeProof(proof: Proof): Bytes {
  const out = new Writer();
  out.fixed(new TextEncoder().encode(MAGIC)).u8(1);
  out.fixed(bytesOf(proof.site)).fixed(bytesOf(proof.camera));
  out.u8(codeOf(RENDITIONS, proof.rendition));
  out.fixed(proof.file).u64(BigInt(proof.fileLength));
  for (const time of [proof.fromMs, proof.toMs, proof.madeMs]) out.u64(BigInt(Math.round(time)));
  out.fixed(bytesOf(proof.member));
  list(out, proof.statements);
  list(out, proof.envelopes);
  out.u32(proof.segments.length);
  for (const segment of proof.segments) encodeSegment(out, segment);
  list(out, proof.manifests);
  return out.bytes();
}

function encodeSegment(out: Writer, { header, signed, exported, unsigned, digest }: SegmentProof) {
  if (header.length !== SEGMENT_HEADER_LEN) throw new RangeError("not a segment header");
  out.fixed(header);
  if (signed === null) out.u8(0).u32(0).fixed(new Uint8Array(32));
  else out.u8(codeOf(STATES, signed.state)).u32(signed.frames).fixed(bytesOf(signed.chain));
  out.u32(exported).u32(unsigned).fixed(digest);
}

/** `count u32`, then each as `length u32 ‖ bytes`. */
function list(out: Writer, items: readonly Bytes[]): void {
  out.u32(items.length);
  for (const item of items) out.u32(item.length).fixed(item);
}

/**
 * The digest over the exported frames of a segment: whoever can open it can compute it again and so compare the file
 * with the recording.
 */
export class FrameDigest {
  readonly #parts: Promise<Bytes>[] = [];

  /** Adds the frame at place `index` of its segment. */
  add(index: number, frame: Frame): void {
    this.#parts.push(partOf(index, frame));
  }

  async finish(): Promise<Bytes> {
    return await sha256(...(await Promise.all(this.#parts)));
  }
}

async function partOf(index: number, frame: Frame): Promise<Bytes> {
  const hash = await sha256(frame.data);
  const out = new Writer().u32(index).u8(codeOf(TRACKS, frame.track)).u64(frame.captured);
  return out.i64(frame.pts).i32(frame.decodeOffset).fixed(hash).bytes();
}
