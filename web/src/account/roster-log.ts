// The roster as this device verified it: believed only from the pinned genesis on, statement by statement, and never
// going back behind what was seen. Whoever appends signs with the member's own identity.

import { fromBase64Url } from "../api/base64.ts";
import type { Client } from "../api/client.ts";
import { ApiProblem } from "../api/client.ts";
import type { Statements } from "../api/documents.ts";
import type { Bytes } from "../domain/bytes.ts";
import { equal } from "../domain/bytes.ts";
import { SealedError } from "../domain/errors.ts";
import type { Hash } from "../domain/id.ts";
import type { SigningKey } from "../identity/key.ts";
import type { Operation } from "../identity/roster/operation.ts";
import { apply, MAX_STATEMENTS, nextPlace } from "../identity/roster/rules.ts";
import type { Statement } from "../identity/roster/statement.ts";
import { decodeStatement, signStatement } from "../identity/roster/statement.ts";
import type { RosterHistory } from "../sealed/roster.ts";
import { AccountError } from "./errors.ts";
import { sabotaged, TEST_BUILD } from "./sabotage.ts";
import type { KeptRoster, Vault } from "./vault.ts";
import { decodeRoster, encodeRoster } from "./vault.ts";

/** How often a statement is made anew because the roster has grown meanwhile. */
const MAX_APPENDS = 5;

/** What it works with. */
export interface RosterLogParts {
  readonly vault: Vault;
  readonly client: Client;
  readonly identity: SigningKey;
  readonly kept: KeptRoster;
  /** `kept`, verified. */
  readonly history: RosterHistory;
  /** Aborted when the account locks. */
  readonly signal: AbortSignal;
}

/** The verified log. Fetching takes turns, and so does appending. */
export class RosterLog {
  readonly #parts: RosterLogParts;
  readonly genesis: Hash;
  readonly history: RosterHistory;
  #statements: readonly Bytes[];
  #syncing: Promise<unknown> = Promise.resolve();
  #submitting: Promise<unknown> = Promise.resolve();

  constructor(parts: RosterLogParts) {
    this.#parts = parts;
    this.genesis = parts.kept.genesis;
    this.history = parts.history;
    this.#statements = parts.kept.statements;
  }

  /** All of it, the genesis first. */
  get statements(): readonly Bytes[] {
    return this.#statements;
  }

  /** Fetches what it has gained. */
  sync(): Promise<RosterHistory> {
    const synced = this.#syncing.then(() => this.#sync());
    this.#syncing = synced.catch(() => undefined);
    return synced;
  }

  /** Signs `operation` as the next statement and lets `send` bring it; both again when somebody was faster. */
  submit<T>(operation: Operation, send: (statement: Bytes) => Promise<T>): Promise<T> {
    const submitted = this.#submitting.then(() => this.#submit(operation, send));
    this.#submitting = submitted.catch(() => undefined);
    return submitted;
  }

  async #sync(): Promise<RosterHistory> {
    this.#parts.signal.throwIfAborted();
    const { client, signal } = this.#parts;
    // The last known statement is asked for again: a roster that lost or changed it is refused.
    for (let first = true; ; first = false) {
      const from = this.#statements.length - 1;
      const path = `/roster?from=${from}`;
      const answer = await client.get<Statements>(path, signal);
      const given = answer.statements.map((text) => fromBase64Url(text));
      const [known, ...gained] = given;
      const last = this.#statements[from];
      const follows = answer.from === from && known && last && equal(known, last);
      if (!follows && !(TEST_BUILD && sabotaged("N-4")))
        throw new AccountError("roster-rolled-back");
      if (gained.length === 0) {
        if (!first) await this.#keepRoster();
        return this.history;
      }
      for (const bytes of gained) await this.#take(bytes);
    }
  }

  async #take(bytes: Bytes | null): Promise<void> {
    const full = BigInt(this.#statements.length) >= MAX_STATEMENTS;
    if (bytes === null || full) throw new AccountError("roster-refused");
    try {
      await this.history.add(await decodeStatement(bytes));
    } catch (cause) {
      throw cause instanceof SealedError ? new AccountError("roster-refused", { cause }) : cause;
    }
    this.#statements = [...this.#statements, bytes];
  }

  async #submit<T>(operation: Operation, send: (statement: Bytes) => Promise<T>): Promise<T> {
    for (let tries = 0; tries < MAX_APPENDS; tries += 1) {
      const before = (await this.sync()).current;
      const statement = await this.sign(operation);
      await apply(before, statement); // What the roster's rules forbid is not sent.
      try {
        const answer = await send(statement.bytes);
        await this.#adopt(statement);
        return answer;
      } catch (error) {
        if (!(error instanceof ApiProblem) || error.status !== 409) throw error;
        // Refused for another reason when the roster is as it was.
        if ((await this.sync()).current.head === before.head) throw error;
      }
    }
    throw new AccountError("busy");
  }

  /** Takes over a statement that the gateway has taken, unless a fetch was faster. */
  #adopt({ hash, bytes }: Statement): Promise<void> {
    const adopted = this.#syncing.then(async () => {
      if (this.history.at(hash) !== undefined) return;
      await this.#take(bytes);
      await this.#keepRoster();
    });
    this.#syncing = adopted.catch(() => undefined);
    return adopted;
  }

  /** Signs as the next statement of what is known here. */
  async sign(operation: Operation): Promise<Statement> {
    const roster = this.history.current;
    const now = BigInt(Date.now());
    // A roster does not go back in time, even when this device's clock is behind its last author's.
    const time = now > roster.time ? now : roster.time;
    return await signStatement(this.#parts.identity, nextPlace(roster), time, operation);
  }

  /** Writes the roster, unless another tab knows more of it. */
  async #keepRoster(): Promise<void> {
    const statements = this.#statements;
    const { vault } = this.#parts;
    const clear = encodeRoster({ genesis: this.genesis, statements });
    await vault.write(async (record) => {
      const kept = decodeRoster(await vault.open("roster", record.sealedRoster));
      if (kept.statements.length >= statements.length) return record;
      return { ...record, sealedRoster: await vault.seal("roster", clear) };
    });
  }
}
