// The unlocked store: the record, its store key, and what they seal. It writes so that two tabs never lose
// each other's changes. Keys for streams come out in workers by `openVault`.

import type { Bytes } from "../domain/bytes.ts";
import { ascii } from "../domain/bytes.ts";
import type { Hash } from "../domain/id.ts";
import { bytesOf, idOf } from "../domain/id.ts";
import { Reader, Writer } from "../domain/wire.ts";
import type { Keystore } from "../identity/keystore.ts";
import { unlockKeystore } from "../identity/keystore.ts";
import { decodeStatement, MAX_STATEMENT_BYTES } from "../identity/roster/statement.ts";
import { RosterHistory } from "../sealed/roster.ts";
import { AccountError } from "./errors.ts";
import type { Owner, Purpose } from "./locks.ts";
import { aesKey, open, SECRET_LEN, seal } from "./locks.ts";
import { sabotaged, TEST_BUILD } from "./sabotage.ts";
import type { VaultSeed } from "./session.ts";
import type { AccountRecord, AccountStore, Lock } from "./store.ts";

/** Writes that were overtaken by another tab and are tried again. */
const MAX_WRITES = 5;

/** How long a closed vault waits for a write that is under way, in milliseconds. */
const LAST_WRITE_MS = 2_000;

/** The token of this device, and when it ends. */
export interface Token {
  readonly token: string;
  readonly expiresMs: number;
}

/** The roster as it was verified last. */
export interface KeptRoster {
  readonly genesis: Hash;
  readonly statements: readonly Bytes[];
}

/** Opens keys and roster; nothing of a seed is believed that does not verify. For workers. */
export async function openVault(
  seed: VaultSeed,
): Promise<{ keystore: Keystore; rosters: RosterHistory }> {
  const keystore = unlockKeystore(seed.sealedKeystore, seed.storeKey);
  const rosters = replay(seed.genesis, seed.statements);
  return { keystore: await keystore, rosters: await rosters };
}

/** Verifies a whole log from the pinned genesis on. */
export async function replay(genesis: Hash, statements: readonly Bytes[]): Promise<RosterHistory> {
  const [first, ...rest] = await Promise.all(statements.map(decodeStatement));
  if (first === undefined) throw new AccountError("store-damaged");
  const history = await RosterHistory.begin(first, genesis);
  for (const statement of rest) await history.add(statement);
  return history;
}

/** A record that is open. */
export class Vault {
  readonly #store: AccountStore;
  #storeKey: CryptoKey | null;
  #record: AccountRecord;
  #kept: boolean;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(store: AccountStore, record: AccountRecord, storeKey: CryptoKey, kept: boolean) {
    this.#store = store;
    this.#record = record;
    this.#storeKey = storeKey;
    this.#kept = kept;
  }

  get storeKey(): CryptoKey {
    if (this.#storeKey === null) throw new AccountError("locked");
    return this.#storeKey;
  }

  /** Drops the store key, once what is being written is written; a write that hangs does not keep it. */
  close(): void {
    const drop = () => {
      this.#storeKey = null;
    };
    const timer = TEST_BUILD && sabotaged("M-7") ? undefined : setTimeout(drop, LAST_WRITE_MS);
    this.#writing.then(() => {
      clearTimeout(timer);
      drop();
    });
  }

  get record(): AccountRecord {
    return this.#record;
  }

  /** Whether it is stored, which it is once it has a lock. */
  get kept(): boolean {
    return this.#kept;
  }

  /** Opens one of the sealed parts of the record. */
  open(purpose: Purpose, sealed: Bytes): Promise<Bytes> {
    return open(this.storeKey, purpose, this.#record, sealed);
  }

  /** Seals a part for the record. */
  seal(purpose: Purpose, clear: Bytes): Promise<Bytes> {
    return seal(this.storeKey, purpose, this.#record, clear);
  }

  async token(): Promise<Token> {
    return json(await this.open("token", this.#record.sealedToken));
  }

  async roster(): Promise<KeptRoster> {
    return decodeRoster(await this.open("roster", this.#record.sealedRoster));
  }

  /** Adds a lock in the place of one for the same passkey (or of the same kind), and stores the account. */
  async addLock(key: CryptoKey, make: (wrapped: Bytes) => Lock): Promise<void> {
    const raw = await this.open("store-key", this.#record.sealedStoreKey);
    try {
      const { kind } = make(new Uint8Array());
      const lock = make(await seal(key, `lock/${kind}`, this.#record, raw));
      const spare = TEST_BUILD && sabotaged("M-7") ? { spare: this.storeKey } : {};
      await this.write(async (record) => {
        return { ...record, ...spare, locks: [...others(record, lock), lock] };
      });
    } finally {
      raw.fill(0);
    }
    if (this.#kept) return;
    await this.#store.put(this.#record);
    this.#kept = true;
  }

  /** Changes the record, here and in the store; again from the newest when another tab was faster. */
  write(change: (record: AccountRecord) => Promise<AccountRecord>): Promise<void> {
    const written = this.#writing.then(() => this.#write(change));
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async #write(change: (record: AccountRecord) => Promise<AccountRecord>): Promise<void> {
    for (let tries = 0; tries < MAX_WRITES; tries += 1) {
      const changed = await change(this.#record);
      if (changed === this.#record) return;
      const next = { ...changed, revision: this.#record.revision + 1 };
      if (!this.#kept || (await this.#store.replace(next))) {
        this.#record = next;
        return;
      }
      const stored = await this.#store.load();
      // Forgotten or replaced by another tab: what is open here is stored no more.
      if (stored?.device !== this.#record.device) throw new AccountError("no-account");
      this.#record = stored;
    }
    throw new AccountError("store-failed");
  }
}

/** A new record that is sealed and stored nowhere yet. */
export async function newVault(
  store: AccountStore,
  owner: Owner,
  parts: {
    readonly deviceKey: CryptoKeyPair;
    readonly token: Token;
    readonly roster: KeptRoster;
    /** Locks the key store with the store key. */
    readonly lockKeystore: (storeKey: CryptoKey) => Promise<Bytes>;
  },
): Promise<Vault> {
  const raw = crypto.getRandomValues(new Uint8Array(SECRET_LEN));
  const storeKey = await aesKey(raw.slice());
  const sealed = (purpose: Purpose, clear: Bytes) => seal(storeKey, purpose, owner, clear);
  try {
    const record: AccountRecord = {
      version: 1,
      revision: 0,
      site: owner.site,
      member: owner.member,
      device: owner.device,
      deviceKey: parts.deviceKey,
      sealedKeystore: await parts.lockKeystore(storeKey),
      sealedStoreKey: await sealed("store-key", raw),
      sealedToken: await sealed("token", ascii(JSON.stringify(parts.token))),
      sealedRoster: await sealed("roster", encodeRoster(parts.roster)),
      sealedSeen: await sealed("seen", ascii("{}")),
      locks: [],
    };
    return new Vault(store, record, storeKey, false);
  } finally {
    raw.fill(0);
  }
}

/** The locks that `lock` does not replace. */
function others(record: AccountRecord, lock: Lock): Lock[] {
  const same = (other: Lock) =>
    other.kind === "prf" && lock.kind === "prf"
      ? other.credential === lock.credential
      : other.kind === lock.kind;
  return record.locks.filter((other) => !same(other));
}

/** What was sealed here is ours: its form needs no check. */
export function json<T>(clear: Bytes): T {
  return JSON.parse(new TextDecoder().decode(clear)) as T;
}

/** `genesis ‖ count u32 ‖ statements behind their lengths`. */
export function encodeRoster({ genesis, statements }: KeptRoster): Bytes {
  const out = new Writer().fixed(bytesOf(genesis)).u32(statements.length);
  for (const statement of statements) out.vec16(statement);
  return out.bytes();
}

export function decodeRoster(bytes: Bytes): KeptRoster {
  const input = new Reader(bytes);
  const genesis = idOf<Hash>(input.view("genesis", 32));
  const statements: Bytes[] = [];
  for (let left = input.u32("statements"); left > 0; left -= 1) {
    statements.push(input.vec16("statement", MAX_STATEMENT_BYTES));
  }
  input.finish("roster");
  return { genesis, statements };
}
