// What a roster statement changes, and its canonical bytes (docs/sealed-stream.md §8). Who may sign
// which is in `rules.ts`.

import { compare } from "../../domain/bytes.ts";
import { demand, refuse } from "../../domain/errors.ts";
import type { CameraId, DeviceId, Fingerprint, KeyId, MemberId } from "../../domain/id.ts";
import { bytesOf, idOf } from "../../domain/id.ts";
import type { Reader, Writer } from "../../domain/wire.ts";
import type { VerifyingKey } from "../key.ts";
import { verifyingKey } from "../key.ts";
import type { ReaderPublic } from "../reader.ts";
import { decodeReaderPublic, encodeReaderPublic } from "../reader.ts";
import { decodeName, encodeName } from "./name.ts";

/** Cameras that a viewer can be limited to. */
export const MAX_CAMERA_LIST = 256;

/** What a member may do, strongest first. Codes are part of signed statements. */
export const ROLES = { 1: "owner", 2: "admin", 3: "member", 4: "viewer", 5: "auditor" } as const;
export type Role = (typeof ROLES)[keyof typeof ROLES];

/** A role, until when (`null`: for ever), and for viewers which cameras (ascending by bytes). */
export interface Rights {
  readonly role: Role;
  readonly expires: bigint | null;
  readonly cameras: readonly CameraId[];
}

/** The first statement: made in the owner's presence when the gateway is claimed. */
export interface Genesis {
  readonly kind: "genesis";
  readonly owner: MemberId;
  readonly identity: VerifyingKey;
  readonly reader: ReaderPublic;
  readonly device: DeviceId;
  /** Thumbprint (RFC 7638) of the device's DPoP key. */
  readonly thumbprint: Fingerprint;
  readonly recoveryIdentity: VerifyingKey;
  readonly recoveryReader: ReaderPublic;
  readonly gateway: VerifyingKey;
  readonly sealer: VerifyingKey;
}

export type Operation =
  | Genesis
  | ({ readonly kind: "add-member"; member: MemberId; identity: VerifyingKey } & Rights)
  | { readonly kind: "remove-member"; member: MemberId }
  | ({ readonly kind: "set-role"; member: MemberId } & Rights)
  | { readonly kind: "add-reader-key"; member: MemberId; key: ReaderPublic }
  | { readonly kind: "retire-reader-key"; key: KeyId }
  | {
      readonly kind: "add-device";
      member: MemberId;
      device: DeviceId;
      thumbprint: Fingerprint;
    }
  | { readonly kind: "remove-device"; device: DeviceId }
  | { readonly kind: "add-camera"; camera: CameraId; sealer: KeyId }
  | { readonly kind: "remove-camera"; camera: CameraId }
  | { readonly kind: "add-sealer"; key: VerifyingKey }
  | { readonly kind: "replace-recovery"; identity: VerifyingKey; reader: ReaderPublic }
  | { readonly kind: "rename-device"; device: DeviceId; name: string }
  | { readonly kind: "rename-member"; member: MemberId; name: string };

const id16 = <T extends Parameters<typeof bytesOf>[0]>(input: Reader, field: string) =>
  idOf<T>(input.view(field, 16));
const id32 = (input: Reader, field: string) => idOf<Fingerprint>(input.view(field, 32));
const key32 = (input: Reader, field: string) => verifyingKey(input.fixed(field, 32));

async function decodeGenesis(input: Reader): Promise<Genesis> {
  return {
    kind: "genesis",
    owner: id16<MemberId>(input, "owner"),
    identity: await key32(input, "identity"),
    reader: await decodeReaderPublic(input),
    device: id16<DeviceId>(input, "device"),
    thumbprint: id32(input, "thumbprint"),
    recoveryIdentity: await key32(input, "recovery identity"),
    recoveryReader: await decodeReaderPublic(input),
    gateway: await key32(input, "gateway"),
    sealer: await key32(input, "sealer"),
  };
}

function decodeRights(input: Reader): Rights {
  const code = input.u8("role");
  const role = (ROLES as { [code: number]: Role })[code] ?? refuse("unknown", "role");
  const expires = input.u64("expiry");
  const count = input.count16("cameras", MAX_CAMERA_LIST);
  const cameras = Array.from({ length: count }, () => id16<CameraId>(input, "camera"));
  demand(isAscending(cameras), "unknown", "cameras");
  demand(role === "viewer" || count === 0, "unknown", "cameras");
  return { role, expires: expires === 0n ? null : expires, cameras };
}

function isAscending(ids: readonly CameraId[]): boolean {
  const bytes = ids.map(bytesOf);
  return bytes.every((id, at) => at === 0 || compare(bytes[at - 1] ?? id, id) < 0);
}

const DECODERS: { readonly [code: number]: (input: Reader) => Operation | Promise<Operation> } = {
  1: decodeGenesis,
  2: async (input) => ({
    kind: "add-member",
    member: id16<MemberId>(input, "member"),
    identity: await key32(input, "identity"),
    ...decodeRights(input),
  }),
  3: (input) => ({ kind: "remove-member", member: id16<MemberId>(input, "member") }),
  4: (input) => ({
    kind: "set-role",
    member: id16<MemberId>(input, "member"),
    ...decodeRights(input),
  }),
  5: async (input) => ({
    kind: "add-reader-key",
    member: id16<MemberId>(input, "member"),
    key: await decodeReaderPublic(input),
  }),
  6: (input) => ({ kind: "retire-reader-key", key: id16<KeyId>(input, "reader key") }),
  7: (input) => ({
    kind: "add-device",
    member: id16<MemberId>(input, "member"),
    device: id16<DeviceId>(input, "device"),
    thumbprint: id32(input, "thumbprint"),
  }),
  8: (input) => ({ kind: "remove-device", device: id16<DeviceId>(input, "device") }),
  9: (input) => ({
    kind: "add-camera",
    camera: id16<CameraId>(input, "camera"),
    sealer: id16<KeyId>(input, "sealer"),
  }),
  10: (input) => ({ kind: "remove-camera", camera: id16<CameraId>(input, "camera") }),
  11: async (input) => ({ kind: "add-sealer", key: await key32(input, "sealer") }),
  12: async (input) => ({
    kind: "replace-recovery",
    identity: await key32(input, "identity"),
    reader: await decodeReaderPublic(input),
  }),
  13: (input) => ({
    kind: "rename-device",
    device: id16<DeviceId>(input, "device"),
    name: decodeName(input),
  }),
  14: (input) => ({
    kind: "rename-member",
    member: id16<MemberId>(input, "member"),
    name: decodeName(input),
  }),
};

/** Reads `operation u8 ‖ fields`. */
export async function decodeOperation(input: Reader): Promise<Operation> {
  const decode = DECODERS[input.u8("operation")] ?? refuse("unknown", "operation");
  return await decode(input);
}

/** Writes `operation u8 ‖ fields`. */
export function encodeOperation(out: Writer, operation: Operation): void {
  switch (operation.kind) {
    case "genesis":
      out.u8(1).fixed(bytesOf(operation.owner)).fixed(operation.identity.bytes);
      encodeReaderPublic(out, operation.reader);
      out.fixed(bytesOf(operation.device)).fixed(bytesOf(operation.thumbprint));
      out.fixed(operation.recoveryIdentity.bytes);
      encodeReaderPublic(out, operation.recoveryReader);
      out.fixed(operation.gateway.bytes).fixed(operation.sealer.bytes);
      break;
    case "add-member":
      out.u8(2).fixed(bytesOf(operation.member)).fixed(operation.identity.bytes);
      encodeRights(out, operation);
      break;
    case "remove-member":
      out.u8(3).fixed(bytesOf(operation.member));
      break;
    case "set-role":
      out.u8(4).fixed(bytesOf(operation.member));
      encodeRights(out, operation);
      break;
    case "add-reader-key":
      out.u8(5).fixed(bytesOf(operation.member));
      encodeReaderPublic(out, operation.key);
      break;
    case "retire-reader-key":
      out.u8(6).fixed(bytesOf(operation.key));
      break;
    case "add-device":
      out.u8(7).fixed(bytesOf(operation.member)).fixed(bytesOf(operation.device));
      out.fixed(bytesOf(operation.thumbprint));
      break;
    case "remove-device":
      out.u8(8).fixed(bytesOf(operation.device));
      break;
    case "add-camera":
      out.u8(9).fixed(bytesOf(operation.camera)).fixed(bytesOf(operation.sealer));
      break;
    case "remove-camera":
      out.u8(10).fixed(bytesOf(operation.camera));
      break;
    case "add-sealer":
      out.u8(11).fixed(operation.key.bytes);
      break;
    case "replace-recovery":
      out.u8(12).fixed(operation.identity.bytes);
      encodeReaderPublic(out, operation.reader);
      break;
    case "rename-device":
      out.u8(13).fixed(bytesOf(operation.device));
      encodeName(out, operation.name);
      break;
    case "rename-member":
      out.u8(14).fixed(bytesOf(operation.member));
      encodeName(out, operation.name);
      break;
  }
}

/** Refuses rights that no reader would take, so that none are signed. */
function encodeRights(out: Writer, { role, expires, cameras }: Rights): void {
  if (expires === 0n) throw new RangeError("an expiry of 0 means none: use null");
  if (!isAscending(cameras) || cameras.length > MAX_CAMERA_LIST) {
    throw new RangeError("cameras ascend, each once, at most 256");
  }
  if (role !== "viewer" && cameras.length > 0) throw new RangeError("only viewers have a list");
  out
    .u8(roleCode(role))
    .u64(expires ?? 0n)
    .u16(cameras.length);
  for (const camera of cameras) out.fixed(bytesOf(camera));
}

function roleCode(role: Role): number {
  return Number(Object.entries(ROLES).find(([, name]) => name === role)?.[0]);
}
