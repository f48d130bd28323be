// Who belongs to a site, as a verified log of statements says: the state, the questions that it answers,
// and a copy for the next statement to change. Who may change what is in `rules.ts`.

import { compare } from "../../domain/bytes.ts";
import type {
  CameraId,
  DeviceId,
  Fingerprint,
  Hash,
  KeyId,
  MemberId,
  SiteId,
} from "../../domain/id.ts";
import { bytesOf } from "../../domain/id.ts";
import type { VerifyingKey } from "../key.ts";
import type { ReaderPublic } from "../reader.ts";
import type { Rights } from "./operation.ts";

/** A person on the roster. */
export interface Member extends Rights {
  readonly identity: VerifyingKey;
  /** Reader keys that get epochs, oldest first. */
  readonly readers: readonly ReaderPublic[];
  /** What a statement calls them; `null` as long as none does. */
  readonly name: string | null;
}

export interface Device {
  readonly member: MemberId;
  /** Thumbprint (RFC 7638) of its DPoP key. */
  readonly thumbprint: Fingerprint;
  /** What a statement calls it; `null` as long as none does. */
  readonly name: string | null;
}

/** A reader key that is entitled to a camera's epochs; `member` is `null` for the recovery key. */
export interface Recipient {
  readonly member: MemberId | null;
  readonly key: ReaderPublic;
}

/** A verified roster. Only `rules.ts` makes and changes one. */
export interface Roster {
  readonly site: SiteId;
  /** Statements so far; the next one's sequence number. */
  readonly length: bigint;
  /** Time of the last statement: the next one is not older. */
  readonly time: bigint;
  /** Hash of the last statement. */
  readonly head: Hash;
  /** Hash of the first statement: what an app pins. */
  readonly genesis: Hash;
  readonly gateway: VerifyingKey;
  readonly recovery: { readonly identity: VerifyingKey; readonly reader: ReaderPublic };
  readonly members: ReadonlyMap<MemberId, Member>;
  readonly devices: ReadonlyMap<DeviceId, Device>;
  /** Each camera's sealer. */
  readonly cameras: ReadonlyMap<CameraId, KeyId>;
  readonly sealers: ReadonlyMap<KeyId, VerifyingKey>;
}

/** Whether the rights have not run out at `now` (milliseconds since 1970). */
export function isCurrent(rights: Rights, now: bigint): boolean {
  return rights.expires === null || now < rights.expires;
}

function mayWatchByRole(rights: Rights, camera: CameraId): boolean {
  if (rights.role === "viewer") return rights.cameras.includes(camera);
  return rights.role !== "auditor";
}

/** Whether `member` may watch `camera` at `now`. */
export function mayWatch(roster: Roster, member: MemberId, camera: CameraId, now: bigint): boolean {
  const found = roster.members.get(member);
  return found !== undefined && isCurrent(found, now) && mayWatchByRole(found, camera);
}

/**
 * The reader keys that `camera`'s epochs are wrapped to at `now`, ascending by key id. The recovery key
 * is one of them.
 */
export function recipients(roster: Roster, camera: CameraId, now: bigint): Recipient[] {
  const out: Recipient[] = [{ member: null, key: roster.recovery.reader }];
  for (const [id, member] of roster.members) {
    if (!isCurrent(member, now) || !mayWatchByRole(member, camera)) continue;
    out.push(...member.readers.map((key) => ({ member: id, key })));
  }
  return out.sort((a, b) => compare(bytesOf(a.key.id), bytesOf(b.key.id)));
}

/** The key that seals `camera`, with its id. */
export function sealerOf(roster: Roster, camera: CameraId): VerifyingKey | undefined {
  const id = roster.cameras.get(camera);
  return id === undefined ? undefined : roster.sealers.get(id);
}

/** Who holds a reader key. */
export function holderOf(roster: Roster, key: KeyId): MemberId | undefined {
  for (const [id, member] of roster.members) {
    if (member.readers.some((reader) => reader.id === key)) return id;
  }
  return undefined;
}
