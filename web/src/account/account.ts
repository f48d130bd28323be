// The one account of this browser as a state machine for the views: new, locked, open. It holds the store key and
// the session only while open; whatever needs more than a lock screen is loaded when it is first needed.

import type { Device, Passkey, SourceSettings } from "../api/documents.ts";
import type { DeviceId } from "../domain/id.ts";
import type { ClaimAnswers, PreparedClaim } from "./claim.ts";
import type { Environment } from "./environment.ts";
import { doorOf } from "./environment.ts";
import { AccountError } from "./errors.ts";
import { AutoLock } from "./idle.ts";
import type { OpenSession } from "./open-session.ts";
import { sabotaged, TEST_BUILD } from "./sabotage.ts";
import { type AccountState, type InvitationMade, lockedBy } from "./state.ts";
import { type TabMessage, Tabs } from "./tabs.ts";
import type { Vault } from "./vault.ts";

/** The account. One for each page. */
export class Account {
  readonly #environment: Environment;
  readonly #listeners = new Set<(state: AccountState) => void>();
  readonly #idle: AutoLock;
  readonly #tabs: Tabs;
  #state: AccountState = { kind: "loading" };
  #open: OpenSession | null = null;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#idle = new AutoLock({
      onIdle: () => this.lock(),
      onActive: () => this.#tabs.tell("active"),
    });
    this.#tabs = new Tabs(environment.channel, this.#hear);
  }

  get state(): AccountState {
    return this.#state;
  }

  /** Unless its owner says otherwise. */
  get suggestedDeviceName(): string {
    return this.#environment.deviceName;
  }

  /** Whether this browser can have passkeys at all. */
  get hasPasskeys(): boolean {
    return this.#environment.authenticators !== null;
  }

  /** Calls `listener` now and with each change; gives the way to end that. */
  subscribe(listener: (state: AccountState) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#state);
    return () => this.#listeners.delete(listener);
  }

  /** Looks what is stored. */
  async start(): Promise<void> {
    const record = await this.#environment.store.load();
    if (this.#open !== null) return;
    this.#enter(record === null ? { kind: "new" } : lockedBy(record));
  }

  // -- Ways in.

  /** First half of a claim: recognises the gateway and makes the words. It changes nothing anywhere. */
  async prepareClaim(link: string): Promise<PreparedClaim> {
    return await (await import("./claim.ts")).prepareClaim(this.#environment, link);
  }

  /** Second half, once the words are written down. Gives the cameras that the gateway was started with. */
  async finishClaim(
    prepared: PreparedClaim,
    answers: ClaimAnswers,
  ): Promise<readonly SourceSettings[]> {
    const { finishClaim } = await import("./claim.ts");
    let suggested: readonly SourceSettings[] = [];
    await this.#arrive(async () => {
      const claimed = await finishClaim(this.#environment, prepared, answers);
      suggested = claimed.suggested;
      return claimed.vault;
    });
    return suggested;
  }

  /** As a new device, by a passkey that brings the keys along; the account is kept at once. */
  async signInWithPasskey(deviceName = this.suggestedDeviceName): Promise<void> {
    const { signInWithPasskey } = await import("./sign-in.ts");
    await this.#arrive(() => signInWithPasskey(this.#environment, deviceName));
  }

  /** As a new device, by the recovery words; also the way into a locked browser whose passkey is lost. */
  async signInWithWords(words: string, deviceName = this.suggestedDeviceName): Promise<void> {
    const { signInWithWords } = await import("./sign-in-words.ts");
    await this.#arrive(() => signInWithWords(this.#environment, words, deviceName));
  }

  /** As a new device, by another device's invitation. */
  async join(link: string, deviceName = this.suggestedDeviceName): Promise<void> {
    const { join } = await import("./sign-in.ts");
    await this.#arrive(() => join(this.#environment, link, deviceName));
  }

  // -- Locking.

  /** Opens what is stored with a passkey. */
  async unlock(): Promise<void> {
    const record = await this.#environment.store.load();
    if (record === null) throw new AccountError("no-account");
    // Says whether the gateway is there, and brings its nonce, while the person touches the sensor.
    const asked = doorOf(this.#environment).get("/health");
    asked.catch(() => undefined);
    const loading = Promise.all([import("./vault.ts"), import("./open-session.ts")]);
    loading.catch(() => undefined); // Awaited below, after the person has touched the sensor.
    const storeKey = await (await import("./unlock.ts")).unlockRecord(this.#environment, record);
    const [{ Vault }] = await loading;
    await this.#enterOpen(new Vault(this.#environment.store, record, storeKey, true));
  }

  /** Lets go of all keys, in every tab. Does nothing when nothing is open. */
  lock(): void {
    if (this.#open === null) return;
    this.#tabs.tell("locked");
    this.#close();
  }

  /** Lets go of all keys in this tab only, whose page is put away. */
  leave(): void {
    if (this.#open !== null) this.#close();
  }

  /** Minutes without a touch or key after which everything locks. */
  get idleMinutes(): number {
    return this.#session().idleMinutes;
  }

  /** 1 to 1,440 minutes. */
  async setIdle(minutes: number): Promise<void> {
    await this.#session().setIdle(minutes);
    this.#idle.start(this.#session().idleMinutes);
  }

  /** Takes this device off the roster when it can, and removes everything that this browser keeps. */
  async forget(): Promise<void> {
    if (this.#open !== null) await (await import("./devices.ts")).forgetDevice(this.#open);
    await this.#environment.store.clear();
    this.#tabs.tell("locked");
    this.#close({ kind: "new" });
  }

  // -- Passkeys, devices, invitations; all of an open account.

  /** Makes a passkey (or takes the one that is there) as a lock of this browser, after the use of one it has. */
  async addPasskey(name = this.suggestedDeviceName): Promise<void> {
    const session = this.#session();
    await (await import("./passkeys.ts")).addPasskey(this.#environment, session, name);
    await this.#kept(session);
  }

  async passkeys(): Promise<readonly Passkey[]> {
    return await (await import("./passkeys.ts")).listPasskeys(this.#session());
  }

  async renamePasskey(id: string, name: string): Promise<void> {
    await (await import("./passkeys.ts")).renamePasskey(this.#session(), id, name);
  }

  /** Removes it at the gateway, and as a lock here; refuses the last lock of this browser. */
  async removePasskey(id: string): Promise<void> {
    await (await import("./passkeys.ts")).removePasskey(this.#environment, this.#session(), id);
  }

  async devices(): Promise<readonly Device[]> {
    return await (await import("./devices.ts")).listDevices(this.#session());
  }

  async renameDevice(id: DeviceId, name: string): Promise<void> {
    await (await import("./devices.ts")).renameDevice(this.#session(), id, name);
  }

  /** Takes a device off the roster; its token is worth nothing at once. Gives the passkeys added since it joined. */
  async removeDevice(id: DeviceId): Promise<readonly Passkey[]> {
    const { expelDevice } = await import("./devices.ts");
    if (id !== this.#session().device) return await expelDevice(this.#session(), id);
    await this.forget();
    return [];
  }

  /** A link for a new device, good for ten minutes and once. `origin`: what it uses, unless that is this machine's only. */
  async invite(origin = this.#environment.origin): Promise<InvitationMade> {
    return await (await import("./devices.ts")).invite(this.#environment, this.#session(), origin);
  }

  // -- State.

  #session(): OpenSession {
    if (this.#open === null) throw new AccountError("locked");
    return this.#open;
  }

  /** A new account by `signIn`; what this browser was before is taken off the roster. */
  async #arrive(signIn: () => Promise<Vault>): Promise<void> {
    const { tidyUp } = await import("./devices.ts");
    const former = await this.#environment.store.load();
    const vault = await signIn();
    const session = await this.#enterOpen(vault);
    await tidyUp(this.#environment, session, former);
    if (vault.kept) await this.#kept(session);
  }

  async #enterOpen(vault: Vault): Promise<OpenSession> {
    const { openSession } = await import("./open-session.ts");
    const session = await openSession(vault, this.#environment.origin);
    this.#open?.close();
    this.#open = session;
    session.client.onSignedOut = () => this.#close({ kind: "signed-out" });
    this.#idle.start(session.idleMinutes);
    this.#enter({ kind: "open", session, kept: vault.kept });
    session.begin();
    return session;
  }

  async #kept(session: OpenSession): Promise<void> {
    await (await import("./devices.ts")).settle(this.#environment, session);
    // Not awaited: Firefox asks the person, who may take their time.
    this.#environment.persist().catch(() => undefined);
    this.#tabs.tell("changed");
    if (this.#open === session) this.#enter({ kind: "open", session, kept: true });
  }

  #close(next?: AccountState): void {
    const vault = this.#open?.store;
    this.#open?.close();
    this.#open = null;
    this.#idle.stop();
    this.#enter(next ?? (vault?.kept ? lockedBy(vault.record) : { kind: "loading" }));
    if (next === undefined) this.start().catch(() => undefined);
  }

  #enter(state: AccountState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }

  readonly #hear = (message: TabMessage): void => {
    if (TEST_BUILD && sabotaged("M-7")) return;
    if (message === "active") this.#idle.touch();
    else if (message === "locked" && this.#open !== null) this.#close();
    else if (this.#open === null) this.start().catch(() => undefined);
  };
}
