// Who may add which statement to a roster. Rosters are values: `apply` gives the next one and leaves the
// old one as it was, so that an envelope can be judged by the roster of its own time.

import { ZERO_HASH } from "../../domain/bytes.ts";
import { demand, refuse } from "../../domain/errors.ts";
import type { Hash, KeyId, MemberId } from "../../domain/id.ts";
import { idOf } from "../../domain/id.ts";
import type { VerifyingKey } from "../key.ts";
import type { Genesis, Operation, Role } from "./operation.ts";
import { perform } from "./perform.ts";
import type { Roster } from "./state.ts";
import { holderOf, isCurrent } from "./state.ts";
import type { Place, Statement } from "./statement.ts";
import { isSignedBy } from "./statement.ts";

/** Statements of one roster. */
export const MAX_STATEMENTS = 65_536n;

const ZERO = idOf<Hash>(ZERO_HASH);

/** Verifies a genesis. Whether it is the right one only its hash or its keys can tell: pin it. */
export async function begin(statement: Statement): Promise<Roster> {
  const genesis = statement.operation;
  if (genesis.kind !== "genesis") return refuse("no-genesis", "roster");
  const first = statement.sequence === 0n && statement.previous === ZERO;
  demand(first, "not-next", "roster");
  const { identity, reader, recoveryIdentity, recoveryReader } = genesis;
  const shared = identity.id === recoveryIdentity.id || reader.id === recoveryReader.id;
  demand(!shared, "exists", "recovery");
  demand(statement.author === genesis.identity.id, "bad-signature", "statement");
  demand(await isSignedBy(statement, genesis.identity), "bad-signature", "statement");
  return fromGenesis(statement, genesis);
}

function fromGenesis(statement: Statement, genesis: Genesis): Roster {
  const { owner, identity, reader, device, thumbprint, gateway, sealer } = genesis;
  const rights = { role: "owner", expires: null, cameras: [] } as const;
  return {
    site: statement.site,
    length: 1n,
    time: statement.time,
    head: statement.hash,
    genesis: statement.hash,
    gateway,
    recovery: { identity: genesis.recoveryIdentity, reader: genesis.recoveryReader },
    members: new Map([[owner, { ...rights, identity, readers: [reader], name: null }]]),
    devices: new Map([[device, { member: owner, thumbprint, name: null }]]),
    cameras: new Map(),
    sealers: new Map([[sealer.id, sealer]]),
  };
}

/** Verifies the next statement and gives the roster with it. */
export async function apply(roster: Roster, statement: Statement): Promise<Roster> {
  demand(statement.site === roster.site, "other-site", "statement");
  const follows = statement.sequence === roster.length && statement.previous === roster.head;
  demand(follows, "not-next", "statement");
  demand(statement.time >= roster.time, "backdated", "statement");
  demand(roster.length < MAX_STATEMENTS, "full", "statements");
  const author = findAuthor(roster, statement.author, statement.time);
  demand(await isSignedBy(statement, author.key), "bad-signature", "statement");
  demand(isPermitted(roster, author, statement.operation), "not-allowed", "statement");
  return {
    ...perform(roster, statement.operation),
    length: roster.length + 1n,
    time: statement.time,
    head: statement.hash,
  };
}

/** Verifies a whole log, the genesis first. */
export async function replay(statements: Iterable<Statement>): Promise<Roster> {
  let roster: Roster | undefined;
  for (const statement of statements) {
    roster = await (roster === undefined ? begin(statement) : apply(roster, statement));
  }
  return roster ?? refuse("no-genesis", "roster");
}

/** Where the next statement of `roster` stands. */
export function nextPlace({ site, length, head }: Roster): Place {
  return { site, sequence: length, previous: head };
}

/** Who signed; `member` is `null` for the recovery key, which may do what an owner may. */
interface Author {
  readonly member: MemberId | null;
  readonly role: Role;
  readonly key: VerifyingKey;
}

function findAuthor(roster: Roster, id: KeyId, now: bigint): Author {
  const { identity } = roster.recovery;
  if (identity.id === id) return { member: null, role: "owner", key: identity };
  for (const [member, entry] of roster.members) {
    if (entry.identity.id === id && isCurrent(entry, now)) {
      return { member, role: entry.role, key: entry.identity };
    }
  }
  return refuse("unknown-author", "statement");
}

/**
 * Owners do everything; admins what touches neither owners, admins nor recovery; everyone their own
 * reader keys, devices and name, and the recovery key those of owners. Whoever may remove something may rename it.
 */
function isPermitted(roster: Roster, author: Author, operation: Operation): boolean {
  const owner = author.role === "owner";
  const manages = owner || author.role === "admin";
  const own = (member: MemberId) => author.member === member;
  const below = (member: MemberId) => manages && isBelowAdmin(roster.members.get(member)?.role);
  const mayRemove = (member: MemberId) => owner || below(member);
  switch (operation.kind) {
    case "genesis":
      return refuse("second-genesis", "statement");
    case "add-member":
      return owner || (manages && isBelowAdmin(operation.role));
    case "remove-member":
      return mayRemove(operation.member);
    case "rename-member":
      return own(operation.member) || mayRemove(operation.member);
    case "set-role":
      return owner || (isBelowAdmin(operation.role) && below(operation.member));
    case "add-reader-key":
    case "add-device":
      return own(operation.member) || (author.member === null && isOwner(roster, operation.member));
    case "retire-reader-key":
      return owner || own(holderOf(roster, operation.key) ?? refuse("not-found", "reader key"));
    case "remove-device":
    case "rename-device": {
      const device = roster.devices.get(operation.device) ?? refuse("not-found", "device");
      return own(device.member) || mayRemove(device.member);
    }
    case "add-camera":
    case "remove-camera":
    case "add-sealer":
      return manages;
    case "replace-recovery":
      return owner;
  }
}

function isOwner(roster: Roster, member: MemberId): boolean {
  return roster.members.get(member)?.role === "owner";
}

function isBelowAdmin(role: Role | undefined): boolean {
  return role === "member" || role === "viewer" || role === "auditor";
}
