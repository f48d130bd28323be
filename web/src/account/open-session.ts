// The session behind `Unlocked`: keys, the way to the gateway, the roster (`roster-log.ts`), and what goes on while it
// is open. Opening ends with `close`, after which nothing of it works.

import { toBase64Url } from "../api/base64.ts";
import { Client } from "../api/client.ts";
import type { Renewed } from "../api/documents.ts";
import type { Bytes } from "../domain/bytes.ts";
import { ascii } from "../domain/bytes.ts";
import type { CameraId, DeviceId, Hash, MemberId, SiteId } from "../domain/id.ts";
import type { Keystore } from "../identity/keystore.ts";
import { unlockKeystore } from "../identity/keystore.ts";
import type { Operation } from "../identity/roster/operation.ts";
import type { Rendition } from "../sealed/record.ts";
import type { RosterHistory } from "../sealed/roster.ts";
import { AccountError } from "./errors.ts";
import { RosterLog } from "./roster-log.ts";
import { Seen } from "./seen.ts";
import type { HighWater, Unlocked, VaultSeed } from "./session.ts";
import type { KeptRoster, Vault } from "./vault.ts";
import { replay } from "./vault.ts";

/** How long a token is good for after a renewal, in milliseconds (90 days). */
const TOKEN_MS = 90 * 24 * 3_600_000;

/** How often an open app looks whether its token wants renewal, in milliseconds. */
const RENEWAL_MS = 6 * 3_600_000;

/** How long what was seen waits before it is written, in milliseconds. */
const SEEN_MS = 10_000;

/** Opens everything in a vault. */
export async function openSession(vault: Vault, origin: string): Promise<OpenSession> {
  const { record, storeKey } = vault;
  const [keystore, token, roster, seen, raw] = await Promise.all([
    unlockKeystore(record.sealedKeystore, storeKey).catch(damaged),
    vault.token(),
    vault.roster(),
    vault.open("seen", record.sealedSeen),
    vault.open("store-key", record.sealedStoreKey),
  ]);
  raw.fill(0);
  const mine = keystore.site === record.site && keystore.member === record.member;
  if (!mine) throw new AccountError("store-damaged");
  const history = await replay(roster.genesis, roster.statements).catch(damaged);
  const client = new Client({ origin, token: token.token, device: record.deviceKey });
  return new OpenSession({ vault, keystore, client, roster, history, seen: Seen.decode(seen) });
}

function damaged(cause: unknown): never {
  throw new AccountError("store-damaged", { cause });
}

interface Parts {
  readonly vault: Vault;
  readonly keystore: Keystore;
  readonly client: Client;
  readonly roster: KeptRoster;
  readonly history: RosterHistory;
  readonly seen: Seen;
}

/** An open account. */
export class OpenSession implements Unlocked {
  readonly site: SiteId;
  readonly member: MemberId;
  readonly device: DeviceId;
  readonly client: Client;
  readonly store: Vault;
  readonly #keystore: Keystore;
  readonly #roster: RosterLog;
  readonly #seen: Seen;
  readonly #ended = new AbortController();
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #flushing: ReturnType<typeof setTimeout> | null = null;

  constructor({ vault, keystore, client, roster, history, seen }: Parts) {
    ({ site: this.site, member: this.member, device: this.device } = vault.record);
    this.store = vault;
    this.client = client;
    this.#keystore = keystore;
    this.#roster = new RosterLog({
      ...{ vault, client, history, kept: roster },
      ...{ identity: keystore.identity, signal: this.#ended.signal },
    });
    this.#seen = seen;
  }

  /** Hash of the pinned genesis. */
  get genesis(): Hash {
    return this.#roster.genesis;
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  get keystore(): Keystore {
    this.#requireOpen();
    return this.#keystore;
  }

  get vault(): VaultSeed {
    this.#requireOpen();
    const { record, storeKey } = this.store;
    const { sealedKeystore } = record;
    return { sealedKeystore, storeKey, genesis: this.genesis, statements: this.#roster.statements };
  }

  /** Begins what goes on while it is open: the roster of now, and the token's renewal. */
  begin(): void {
    const renew = () => {
      this.keepSignedIn().catch(() => undefined); // Tried again later; refusals end the session elsewhere.
    };
    this.sync().catch(() => undefined);
    renew();
    this.#timers.push(setInterval(renew, RENEWAL_MS));
  }

  /** Ends it: lets go of the keys, and tells everybody who uses them. */
  close(): void {
    if (this.#ended.signal.aborted) return;
    this.#flush();
    for (const timer of this.#timers) clearInterval(timer);
    this.#ended.abort(new AccountError("locked"));
    this.client.close();
    for (const { pair } of this.#keystore.readers) wipe(pair.privateKey);
    this.store.close();
  }

  history(): RosterHistory {
    return this.#roster.history;
  }

  sync(): Promise<RosterHistory> {
    return this.#roster.sync();
  }

  async append(operation: Operation): Promise<RosterHistory> {
    await this.submit(operation, (statement) =>
      this.client.send<void>("POST", "/roster", { statement: toBase64Url(statement) }),
    );
    return this.#roster.history;
  }

  submit<T>(operation: Operation, send: (statement: Bytes) => Promise<T>): Promise<T> {
    return this.#roster.submit(operation, send);
  }

  async sign(operation: Operation): Promise<Bytes> {
    this.#requireOpen();
    return (await this.#roster.sign(operation)).bytes;
  }

  floor(camera: CameraId, rendition: Rendition): HighWater | undefined {
    return this.#seen.floor(camera, rendition);
  }

  noteHead(camera: CameraId, rendition: Rendition, high: HighWater): void {
    if (!this.#seen.note(camera, rendition, high)) return;
    this.#flushing ??= setTimeout(() => this.#flush(), SEEN_MS);
  }

  get idleMinutes(): number {
    return this.#seen.idleMinutes;
  }

  async setIdle(minutes: number): Promise<void> {
    this.#seen.idleMinutes = minutes;
    await this.#writeSeen();
  }

  /** Makes the token good for longer once less than half of its time is left. */
  async keepSignedIn(): Promise<void> {
    const { token, expiresMs } = await this.store.token();
    if (expiresMs > Date.now() + TOKEN_MS / 2) return;
    const renewed = await this.client.send<Renewed>("POST", "/token");
    const clear = ascii(JSON.stringify({ token, expiresMs: renewed.expiresMs }));
    const sealedToken = await this.store.seal("token", clear);
    await this.store.write(async (record) => ({ ...record, sealedToken }));
  }

  #flush(): void {
    if (this.#flushing === null) return;
    clearTimeout(this.#flushing);
    this.#flushing = null;
    this.#writeSeen().catch(() => undefined); // Seen again with the next manifest.
  }

  async #writeSeen(): Promise<void> {
    await this.store.write(async (record) => {
      this.#seen.merge(Seen.decode(await this.store.open("seen", record.sealedSeen)));
      return { ...record, sealedSeen: await this.store.seal("seen", this.#seen.encode()) };
    });
  }

  #requireOpen(): void {
    if (this.#ended.signal.aborted) throw new AccountError("locked");
  }
}

/** The X-Wing package keeps a seed in memory of its own; other private keys are the browser's. */
function wipe(key: object): void {
  if ("key" in key && key.key instanceof Uint8Array) key.key.fill(0);
}
