// A sealer for tests: writes envelopes, segments and manifests byte by byte from docs/sealed-stream.md.
// Every part can be bent, so that a test can write what no honest sealer would.

import type { Bytes } from "../../domain/bytes.ts";
import { ascii, compare, concat, sha256 } from "../../domain/bytes.ts";
import { bytesOf } from "../../domain/id.ts";
import { Writer } from "../../domain/wire.ts";
import type { SigningKey } from "../../identity/key.ts";
import { sign } from "../../identity/key.ts";
import type { ReaderPublic } from "../../identity/reader.ts";
import { wrap } from "../../identity/reader.ts";
import type { Roster } from "../../identity/roster/state.ts";
import { recipients } from "../../identity/roster/state.ts";
import type { Scope } from "../scope.ts";
import { expandOnce, filled, NOW, SCOPE, scoped } from "./household.ts";

export interface RecordParts {
  kind: number;
  flags?: number;
  rendition?: number;
  track?: number;
  index?: number;
}

/** A whole record and the chain after it. */
export async function record(parts: RecordParts, before: Bytes, body: Bytes) {
  const covered = coveredOf(parts, body.length);
  const chain = await sha256(before, covered, body);
  return { bytes: concat(covered, chain.subarray(0, 4), body), chain };
}

export function coveredOf(parts: RecordParts, length: number): Bytes {
  const { kind, flags = 0, rendition = 0, track = 0, index = 0 } = parts;
  return new Writer().u32(length).u8(kind).u8(flags).u8(rendition).u8(track).u32(index).bytes();
}

/** What can be bent of an envelope. */
export interface EnvelopeBend {
  scope?: Scope;
  start?: bigint;
  recipients?: ReaderPublic[];
  /** The suite that a wrap claims. */
  suite?: number;
  /** Wraps hold this secret instead of the committed one. */
  wrapped?: Bytes;
}

/** An envelope record of `secret` for the readers that `roster` entitles. */
export async function envelopeRecord(
  sealer: SigningKey,
  roster: Roster,
  secret: Bytes,
  bend: EnvelopeBend = {},
) {
  const { scope = SCOPE, start = NOW } = bend;
  const commitment = await expandOnce(secret, scoped("bartizan/v1/commit", scope));
  const out = new Writer().u8(1);
  for (const id of [scope.site, scope.camera, scope.epoch]) out.fixed(bytesOf(id));
  out.fixed(bytesOf(sealer.public.id)).u64(start);
  out.u64(roster.length).fixed(bytesOf(roster.head)).fixed(commitment).fixed(filled(0, 64));
  const to = bend.recipients ?? recipients(roster, scope.camera, start).map(({ key }) => key);
  to.sort((a, b) => compare(bytesOf(a.id), bytesOf(b.id)));
  out.u16(to.length);
  for (const key of to) {
    const suite = new Writer().u16(key.suite).bytes();
    const info = scoped("bartizan/v1/epoch", scope, bytesOf(roster.head), bytesOf(key.id), suite);
    const wrapped = await wrap(key, bend.wrapped ?? secret, info, commitment);
    out
      .fixed(bytesOf(key.id))
      .u16(bend.suite ?? key.suite)
      .vec16(wrapped.enc);
    out.fixed(wrapped.ciphertext);
  }
  const body = await signed(out, sealer, "bartizan/v1/envelope");
  return await record({ kind: 1 }, filled(0, 32), body);
}

async function signed(out: Writer, key: SigningKey, context: string): Promise<Bytes> {
  const message = out.bytes();
  return concat(message, await sign(key, context, message));
}

export interface FrameParts {
  track?: number;
  flags?: number;
  captured?: bigint;
  pts?: bigint;
  decodeOffset?: number;
  config?: Bytes;
  data: Bytes;
  index?: number;
}

export interface SegmentParts {
  number: bigint;
  sealer: SigningKey;
  secret: Bytes;
  scope?: Scope;
  rendition?: number;
  aead?: number;
  version?: number;
  previous?: Bytes;
  start?: bigint;
}

/** Writes one segment; `records` are its records so far. */
export class SegmentWriter {
  readonly records: Bytes[] = [];
  chain: Bytes = filled(0, 32);
  id: Bytes = filled(0, 32);
  frames = 0;
  #parts: SegmentParts;
  #key: CryptoKey | null = null;

  constructor(parts: SegmentParts) {
    this.#parts = parts;
  }

  async begin(): Promise<this> {
    const { number, sealer, secret, scope = SCOPE, rendition = 0 } = this.#parts;
    const salt = crypto.getRandomValues(new Uint8Array(16));
    const out = new Writer().u8(this.#parts.version ?? 1).u16(this.#parts.aead ?? 2);
    out.fixed(bytesOf(scope.site)).fixed(bytesOf(scope.camera)).u8(rendition);
    out
      .fixed(bytesOf(scope.epoch))
      .u64(number)
      .fixed(salt)
      .u64(this.#parts.start ?? NOW)
      .u32(7);
    out.fixed(this.#parts.previous ?? filled(0, 32)).fixed(bytesOf(sealer.public.id));
    await this.#append({ kind: 2, rendition }, out.bytes());
    this.id = this.chain;
    const tail = new Writer().u8(rendition).u64(number).fixed(salt).bytes();
    const raw = await expandOnce(secret, scoped("bartizan/v1/segment", scope, tail));
    this.#key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt"]);
    return this;
  }

  async frame(frame: FrameParts): Promise<this> {
    const { track = 0, captured = NOW, pts = 0n, decodeOffset = 0, config, data } = frame;
    const flags = frame.flags ?? (this.frames === 0 ? 1 : 0) | (config ? 2 : 0);
    const clear = new Writer().u64(captured).i64(pts).i32(decodeOffset);
    if (config !== undefined) clear.vec16(config);
    const text = clear.fixed(data).bytes();
    const rendition = this.#parts.rendition ?? 0;
    const parts = { kind: 3, flags, rendition, track, index: frame.index ?? this.frames };
    const aad = concat(this.id, coveredOf(parts, text.length + 16));
    await this.#append(parts, await this.#seal(3, parts.index, aad, text));
    this.frames += 1;
    return this;
  }

  async close(end = NOW + 2_000n, bend: { number?: bigint; bytes?: bigint } = {}): Promise<this> {
    const length = this.records.reduce((sum, bytes) => sum + bytes.length, 0);
    const out = new Writer().u64(bend.number ?? this.#parts.number).u64(end);
    const clear = out.u64(bend.bytes ?? BigInt(length)).bytes();
    const parts = { kind: 4, rendition: this.#parts.rendition ?? 0, index: this.frames };
    const aad = concat(this.id, coveredOf(parts, 40), clear);
    const tag = await this.#seal(4, this.frames, aad, new Uint8Array(0));
    await this.#append(parts, concat(clear, tag));
    return this;
  }

  async #append(parts: RecordParts, body: Bytes): Promise<void> {
    const { bytes, chain } = await record(parts, this.chain, body);
    this.records.push(bytes);
    this.chain = chain;
  }

  async #seal(kind: number, index: number, additionalData: Bytes, text: Bytes): Promise<Bytes> {
    const iv = new Writer().u8(kind).fixed(filled(0, 7)).u32(index).bytes();
    const algorithm = { name: "AES-GCM", iv, additionalData };
    return new Uint8Array(await crypto.subtle.encrypt(algorithm, this.#key!, text));
  }
}

export interface ManifestParts {
  sealer: SigningKey;
  envelope: Bytes;
  counter: bigint;
  previous?: Bytes;
  time?: bigint;
  scope?: Scope;
  rendition?: number;
  heads?: { number: bigint; frames: number; state: number; chain: Bytes }[];
  gaps?: { reason: number; from: bigint; to: bigint; first: bigint; segments: bigint }[];
}

export async function manifestRecord(parts: ManifestParts) {
  const { sealer, envelope, counter, scope = SCOPE, rendition = 0 } = parts;
  const out = new Writer().u8(1).fixed(bytesOf(scope.site)).fixed(bytesOf(scope.camera));
  out.u8(rendition).fixed(bytesOf(scope.epoch)).fixed(bytesOf(sealer.public.id));
  out
    .fixed(envelope)
    .u64(counter)
    .u64(parts.time ?? NOW)
    .fixed(parts.previous ?? filled(0, 32));
  out.u8(parts.heads?.length ?? 0);
  for (const head of parts.heads ?? []) {
    out.u64(head.number).u32(head.frames).u8(head.state).fixed(head.chain);
  }
  out.u8(parts.gaps?.length ?? 0);
  for (const gap of parts.gaps ?? []) {
    out.u8(gap.reason).u64(gap.from).u64(gap.to).u64(gap.first).u64(gap.segments);
  }
  const body = await signed(out, sealer, "bartizan/v1/manifest");
  return await record({ kind: 5, rendition }, filled(0, 32), body);
}

/** `codec ‖ timescale ‖ a ‖ b ‖ extra` of a small H.264 track. */
export const VIDEO_CONFIG = new Writer()
  .u8(1)
  .u32(90_000)
  .u32(640)
  .u32(360)
  .vec16(ascii("avcC"))
  .bytes();
