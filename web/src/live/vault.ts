// What the worker opens streams with: its own client, keys and roster, opened in the worker from seeds that are
// sealed. When an envelope names statements that are not known yet, they are fetched and verified.

import type { VaultSeed } from "../account/session.ts";
import { openVault } from "../account/vault.ts";
import { fromBase64Url } from "../api/base64.ts";
import type { ClientSeed } from "../api/client.ts";
import { Client } from "../api/client.ts";
import type { Site, Statements } from "../api/documents.ts";
import { demand, refuse } from "../domain/errors.ts";
import type { ReaderKey } from "../identity/reader.ts";
import { decodeStatement } from "../identity/roster/statement.ts";
import type { RosterHistory } from "../sealed/roster.ts";
import { GatewayClock, localNow } from "./clock.ts";

/** Answers that are asked for to learn newer statements: the roster's largest size. */
const MAX_PAGES = 256;

/** How often the gateway's clock is asked, in milliseconds. */
const CLOCK_MS = 300_000;

/** An opened vault. */
export interface LiveVault {
  readonly client: Client;
  readonly keys: readonly ReaderKey[];
  readonly rosters: RosterHistory;
  readonly clock: GatewayClock;
  /** Adds the statements that the roster gained. */
  readonly lengthen: () => Promise<void>;
}

export async function openLiveVault(seed: VaultSeed, client: ClientSeed): Promise<LiveVault> {
  const calling = new Client(client);
  const clock = new GatewayClock();
  void keepClock(calling, clock);
  const { keystore, rosters } = await openVault(seed);
  let lengthening: Promise<void> | null = null;
  const lengthen = () => {
    lengthening ??= fetchStatements(calling, rosters).finally(() => {
      lengthening = null;
    });
    return lengthening;
  };
  return { client: calling, keys: keystore.readers, rosters, clock, lengthen };
}

async function fetchStatements(client: Client, rosters: RosterHistory): Promise<void> {
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await client.get<Statements>(`/roster?from=${rosters.current.length}`);
    if (answer.statements.length === 0) return;
    for (const text of answer.statements) {
      const bytes = fromBase64Url(text) ?? refuse("unknown", "statement");
      const statement = await decodeStatement(bytes);
      demand(statement.sequence === rosters.current.length, "not-next", "statement");
      await rosters.add(statement);
    }
  }
}

/** A few quick answers at first, then one now and then. Without an answer the old offset stays. */
async function keepClock(client: Client, clock: GatewayClock): Promise<void> {
  const ask = async () => {
    const asked = localNow();
    try {
      const { nowMs } = await client.get<Site>("/site");
      clock.sample({ gateway: nowMs, asked, got: localNow() });
    } catch {
      return;
    }
  };
  for (let each = 0; each < 3; each += 1) await ask();
  setInterval(() => void ask(), CLOCK_MS);
}
