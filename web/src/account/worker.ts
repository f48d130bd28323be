// What workers of an open account have in common: each calls the gateway by itself, so each may be the first to hear that
// this device is not known any more (removed, or its sign-in over). The page is told, and acts as if it had heard it.

import type { ClientSeed } from "../api/client.ts";
import { Client } from "../api/client.ts";

/** From a worker: the gateway does not know this device (any more). */
export interface SignedOut {
  readonly kind: "signed-out";
}

/**
 * A worker's own client; `tell` brings a message to the page, which hands it to its client's `signedOut`. Whoever called the
 * gateway hears first: the page ends the worker, and browsers report what fails in one that ends meanwhile.
 */
export function workerClient(seed: ClientSeed, tell: (message: SignedOut) => void): Client {
  const client = new Client(seed);
  client.onSignedOut = () => setTimeout(() => tell({ kind: "signed-out" }));
  return client;
}
