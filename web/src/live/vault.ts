// What the worker opens streams with: its own client, keys and roster, opened in the worker from seeds that are
// sealed; and the gateway's clock.

import { Rosters } from "../account/rosters.ts";
import type { VaultSeed } from "../account/session.ts";
import { openVault } from "../account/vault.ts";
import type { Client } from "../api/client.ts";
import type { Site } from "../api/documents.ts";
import type { ReaderKey } from "../identity/reader.ts";
import { GatewayClock, localNow } from "./clock.ts";

/** How often the gateway's clock is asked, in milliseconds. */
const CLOCK_MS = 300_000;

/** An opened vault. */
export interface LiveVault {
  readonly client: Client;
  readonly keys: readonly ReaderKey[];
  readonly rosters: Rosters;
  readonly clock: GatewayClock;
}

export async function openLiveVault(seed: VaultSeed, client: Client): Promise<LiveVault> {
  const clock = new GatewayClock();
  void keepClock(client, clock);
  const { keystore, rosters } = await openVault(seed);
  const get = client.get.bind(client);
  return { client, keys: keystore.readers, rosters: new Rosters(rosters, get), clock };
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
