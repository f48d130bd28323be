// What each roster operation does to the state, with the limits and the rules of uniqueness. It asks for
// no right: that was done before (`rules.ts`).

import { demand, refuse } from "../../domain/errors.ts";
import type { DeviceId, MemberId } from "../../domain/id.ts";
import type { Operation } from "./operation.ts";
import type { Device, Member, Roster } from "./state.ts";
import { holderOf } from "./state.ts";

/** Members of one site. */
export const MAX_MEMBERS = 64;
/** Devices of one site. */
export const MAX_DEVICES = 256;
/** Cameras of one site; there may be one sealer more. */
export const MAX_CAMERAS = 256;
/** Reader keys of one member that are not retired. */
export const MAX_READER_KEYS_PER_MEMBER = 8;

/** Reader keys that one epoch is wrapped to, the recovery key among them. */
export const MAX_RECIPIENTS = 256;

/** The roster after `operation`; refuses what does not fit. */
export function perform(roster: Roster, operation: Operation): Roster {
  switch (operation.kind) {
    case "genesis":
      return refuse("second-genesis", "statement");
    case "add-member":
      return addMember(roster, operation);
    case "remove-member":
      return removeMember(roster, operation.member);
    case "set-role":
      return setRole(roster, operation);
    case "add-reader-key":
      return addReaderKey(roster, operation);
    case "retire-reader-key":
      return retireReaderKey(roster, operation);
    case "add-device":
      return addDevice(roster, operation);
    case "remove-device":
      return { ...roster, devices: without(roster.devices, operation.device, "device") };
    case "add-camera":
      return addCamera(roster, operation);
    case "remove-camera":
      return { ...roster, cameras: without(roster.cameras, operation.camera, "camera") };
    case "add-sealer":
      return addSealer(roster, operation);
    case "replace-recovery":
      return replaceRecovery(roster, operation);
    case "rename-device":
      return renameDevice(roster, operation);
    case "rename-member":
      return renameMember(roster, operation);
  }
}

type Do<K extends Operation["kind"]> = Extract<Operation, { kind: K }>;

function addMember(roster: Roster, operation: Do<"add-member">): Roster {
  const { member, role, expires, cameras, identity } = operation;
  const taken = roster.recovery.identity.id === identity.id || isMember(roster, identity.id);
  demand(!taken && !roster.members.has(member), "exists", "member");
  demand(roster.members.size < MAX_MEMBERS, "full", "members");
  return withMember(roster, member, { role, expires, cameras, identity, readers: [], name: null });
}

function isMember(roster: Roster, identity: string): boolean {
  return [...roster.members.values()].some((member) => member.identity.id === identity);
}

function removeMember(roster: Roster, member: MemberId): Roster {
  keepAnOwner(roster, member);
  const members = without(roster.members, member, "member");
  const devices = new Map([...roster.devices].filter(([, device]) => device.member !== member));
  return { ...roster, members, devices };
}

function setRole(roster: Roster, operation: Do<"set-role">): Roster {
  const { member, role, expires, cameras } = operation;
  if (role !== "owner" || expires !== null) keepAnOwner(roster, member);
  return withMember(roster, member, { ...find(roster, member), role, expires, cameras });
}

function addReaderKey(roster: Roster, { member, key }: Do<"add-reader-key">): Roster {
  const taken = holderOf(roster, key.id) !== undefined || roster.recovery.reader.id === key.id;
  let keys = 1;
  for (const { readers } of roster.members.values()) keys += readers.length;
  demand(keys < MAX_RECIPIENTS, "full", "reader keys");
  demand(!taken, "exists", "reader key");
  const entry = find(roster, member);
  demand(entry.readers.length < MAX_READER_KEYS_PER_MEMBER, "full", "reader keys");
  return withMember(roster, member, { ...entry, readers: [...entry.readers, key] });
}

function retireReaderKey(roster: Roster, { key }: Do<"retire-reader-key">): Roster {
  const holder = holderOf(roster, key) ?? refuse("not-found", "reader key");
  const entry = find(roster, holder);
  const readers = entry.readers.filter((reader) => reader.id !== key);
  return withMember(roster, holder, { ...entry, readers });
}

function addDevice(roster: Roster, operation: Do<"add-device">): Roster {
  const { member, device, thumbprint } = operation;
  find(roster, member);
  demand(!roster.devices.has(device), "exists", "device");
  demand(roster.devices.size < MAX_DEVICES, "full", "devices");
  return withDevice(roster, device, { member, thumbprint, name: null });
}

function addCamera(roster: Roster, { camera, sealer }: Do<"add-camera">): Roster {
  demand(roster.sealers.has(sealer), "not-found", "sealer");
  demand(!roster.cameras.has(camera), "exists", "camera");
  demand(roster.cameras.size < MAX_CAMERAS, "full", "cameras");
  return { ...roster, cameras: new Map(roster.cameras).set(camera, sealer) };
}

function addSealer(roster: Roster, { key }: Do<"add-sealer">): Roster {
  demand(!roster.sealers.has(key.id), "exists", "sealer");
  demand(roster.sealers.size <= MAX_CAMERAS, "full", "sealers");
  return { ...roster, sealers: new Map(roster.sealers).set(key.id, key) };
}

function replaceRecovery(roster: Roster, operation: Do<"replace-recovery">): Roster {
  const { identity, reader } = operation;
  const taken = isMember(roster, identity.id) || holderOf(roster, reader.id) !== undefined;
  demand(!taken, "exists", "recovery");
  return { ...roster, recovery: { identity, reader } };
}

/** A name that is the present one is refused: a roster does not grow by statements that say nothing. */
function renameDevice(roster: Roster, { device, name }: Do<"rename-device">): Roster {
  const entry = roster.devices.get(device) ?? refuse("not-found", "device");
  demand(entry.name !== name, "exists", "name");
  return withDevice(roster, device, { ...entry, name });
}

function renameMember(roster: Roster, { member, name }: Do<"rename-member">): Roster {
  const entry = find(roster, member);
  demand(entry.name !== name, "exists", "name");
  return withMember(roster, member, { ...entry, name });
}

/** Refuses when `member` is the only owner without an expiry. */
function keepAnOwner(roster: Roster, member: MemberId): void {
  const lasting = [...roster.members].filter(
    ([, entry]) => entry.role === "owner" && entry.expires === null,
  );
  const last = lasting.length === 1 && lasting[0]?.[0] === member;
  demand(!last, "last-owner", "member");
}

function find(roster: Roster, member: MemberId): Member {
  return roster.members.get(member) ?? refuse("not-found", "member");
}

function withMember(roster: Roster, id: MemberId, member: Member): Roster {
  return { ...roster, members: new Map(roster.members).set(id, member) };
}

function withDevice(roster: Roster, id: DeviceId, device: Device): Roster {
  return { ...roster, devices: new Map(roster.devices).set(id, device) };
}

function without<K, V>(map: ReadonlyMap<K, V>, key: K, field: string): Map<K, V> {
  const out = new Map(map);
  demand(out.delete(key), "not-found", field);
  return out;
}
