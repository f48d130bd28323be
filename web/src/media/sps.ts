// H.264 sequence parameter sets (14496-10 §7.3.2.1.1): says that pictures come in order where the camera did
// not say it. Hardware decoders otherwise hold up to 16 pictures back (§A.3.1), half a second and more.
// A set that it does not understand is left as it is.

import type { Bytes } from "../domain/bytes.ts";
import { concat } from "../domain/bytes.ts";
import { BitReader, BitWriter, withEscapes, withoutEscapes } from "./bits.ts";

const NAL_SPS = 7;

/** Profiles with a chroma format and scaling lists. */
const HIGH = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/** The sample aspect ratio that is written out. */
const EXTENDED_SAR = 255;

/** Where the parts lie that are changed. */
interface Found {
  readonly frames: number;
  /** Bit of `vui_parameters_present_flag`. */
  readonly vui: number;
  /** Bit of `bitstream_restriction_flag`, when there are VUI parameters. */
  readonly restriction: number | null;
  /** Whether it is said already. */
  readonly told: boolean;
}

/** The set `nal` with `max_num_reorder_frames` 0; the same bytes when it tells the order already. */
export function withoutReordering(nal: Bytes): Bytes {
  if (((nal[0] ?? 0) & 31) !== NAL_SPS) return nal;
  const rbsp = withoutEscapes(nal);
  try {
    const found = find(new BitReader(rbsp));
    return found.told ? nal : withEscapes(rewrite(rbsp, found));
  } catch (error) {
    if (error instanceof RangeError) return nal;
    throw error;
  }
}

function rewrite(rbsp: Bytes, { frames, vui, restriction }: Found): Bytes {
  const out = new BitWriter();
  // Without VUI parameters: present, and none of the eight that come before the restriction.
  if (restriction === null) out.copy(rbsp, vui).bits(1, 1).bits(8, 0);
  else out.copy(rbsp, restriction);
  out.bits(2, 3); // restricted; motion vectors may point outside
  out.ue(2).ue(1).ue(16).ue(16).ue(0).ue(Math.max(1, frames));
  return out.bytes();
}

function find(input: BitReader): Found {
  input.bits(8);
  const profile = input.bits(8);
  input.bits(16);
  input.ue();
  if (HIGH.has(profile)) skipHigh(input);
  input.ue();
  skipOrderCount(input);
  const frames = input.ue();
  input.bits(1);
  input.ue();
  input.ue();
  if (!input.flag()) input.bits(1);
  input.bits(1);
  if (input.flag()) for (let each = 0; each < 4; each += 1) input.ue();
  const vui = input.position;
  if (!input.flag()) return { frames, vui, restriction: null, told: false };
  skipVui(input);
  const restriction = input.position;
  return { frames, vui, restriction, told: input.flag() };
}

function skipHigh(input: BitReader): void {
  const chroma = input.ue();
  if (chroma === 3) input.bits(1);
  input.ue();
  input.ue();
  input.bits(1);
  if (!input.flag()) return;
  for (let list = 0; list < (chroma === 3 ? 12 : 8); list += 1) {
    if (input.flag()) skipScalingList(input, list < 6 ? 16 : 64);
  }
}

/** §7.3.2.1.1.1. */
function skipScalingList(input: BitReader, size: number): void {
  let [last, next] = [8, 8];
  for (let at = 0; at < size; at += 1) {
    if (next !== 0) next = (last + input.se() + 256) % 256;
    last = next === 0 ? last : next;
  }
}

function skipOrderCount(input: BitReader): void {
  const kind = input.ue();
  if (kind === 0) input.ue();
  if (kind !== 1) return;
  input.bits(1);
  input.se();
  input.se();
  const cycle = input.ue();
  if (cycle > 255) throw new RangeError("too many offsets");
  for (let each = 0; each < cycle; each += 1) input.se();
}

/** §E.1.1, up to the restriction. */
function skipVui(input: BitReader): void {
  if (input.flag() && input.bits(8) === EXTENDED_SAR) input.bits(32);
  if (input.flag()) input.bits(1);
  if (input.flag()) {
    input.bits(4);
    if (input.flag()) input.bits(24);
  }
  if (input.flag()) {
    input.ue();
    input.ue();
  }
  if (input.flag()) input.bits(32 + 32 + 1);
  const nal = input.flag();
  if (nal) skipHrd(input);
  const vcl = input.flag();
  if (vcl) skipHrd(input);
  if (nal || vcl) input.bits(1);
  input.bits(1);
}

/** §E.1.2. */
function skipHrd(input: BitReader): void {
  const count = input.ue() + 1;
  if (count > 32) throw new RangeError("too many schedules");
  input.bits(8);
  for (let each = 0; each < count; each += 1) {
    input.ue();
    input.ue();
    input.bits(1);
  }
  input.bits(20);
}

/** An `avcC` (14496-15 §5.3.3.1) whose sets say that pictures come in order. */
export function avccWithoutReordering(avcc: Bytes): Bytes {
  const count = (avcc[5] ?? 0) & 31;
  const parts: Bytes[] = [avcc.subarray(0, 6)];
  let at = 6;
  for (let each = 0; each < count; each += 1) {
    const length = ((avcc[at] ?? 0) << 8) | (avcc[at + 1] ?? 0);
    if (at + 2 + length > avcc.length) return avcc;
    const set = withoutReordering(avcc.subarray(at + 2, at + 2 + length));
    parts.push(Uint8Array.of(set.length >> 8, set.length & 255), set);
    at += 2 + length;
  }
  return concat(...parts, avcc.subarray(at));
}

/** An access unit (NAL units behind four-byte lengths) whose repeated sets say the same. */
export function unitWithoutReordering(unit: Bytes): Bytes {
  const parts: Bytes[] = [];
  const view = new DataView(unit.buffer, unit.byteOffset, unit.byteLength);
  let [at, changed] = [0, false];
  while (at + 4 < unit.length) {
    const end = at + 4 + view.getUint32(at);
    if (end > unit.length) return unit;
    const nal = unit.subarray(at + 4, end);
    const set = withoutReordering(nal);
    changed ||= set !== nal;
    parts.push(set === nal ? unit.subarray(at, end) : prefixed(set));
    at = end;
  }
  return changed ? concat(...parts, unit.subarray(at)) : unit;
}

function prefixed(nal: Bytes): Bytes {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, nal.length);
  return concat(length, nal);
}
