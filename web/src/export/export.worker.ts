// The export worker: opens the vault in itself, makes one export, and says how it goes. Cancelling ends the worker.

import { openVault } from "../account/vault.ts";
import { workerClient } from "../account/worker.ts";
import { Vault } from "../playback/vault.ts";
import type { ExportAnswer, ExportOrder } from "./export.ts";
import { ExportError, Exporter } from "./exporter.ts";

const tell = (answer: ExportAnswer): void => postMessage(answer);

addEventListener("message", ({ data }: MessageEvent<ExportOrder>) => {
  run(data).then(
    (files) => tell({ kind: "done", files }),
    (error: unknown) => tell({ kind: "failed", problem: problemOf(error) }),
  );
});

async function run({ vault: seed, client, stream, fromMs, toMs }: ExportOrder) {
  const { keystore, rosters } = await openVault(seed);
  const vault = new Vault(workerClient(client, tell), keystore, rosters);
  const { signal } = new AbortController();
  const progress = (arrived: number, total: number) => tell({ kind: "progress", arrived, total });
  const { fetch } = vault;
  const parts = { stream, fromMs, toMs, vault, keystore, fetch, signal, progress };
  return await new Exporter(parts).run();
}

/** What can be told of an error on the other side: its kind, and where it happened. */
function problemOf(error: unknown) {
  if (error instanceof ExportError) return { code: error.code, type: null, atMs: error.atMs };
  const type = error instanceof Error && "type" in error ? String(error.type) : null;
  return { code: "failed", type, atMs: null } as const;
}
