// The playback worker: opens the vault in itself and obeys the page. One worker serves all cameras of a page.

import { openVault } from "../account/vault.ts";
import { workerClient } from "../account/worker.ts";
import { gapsWithin } from "./gaps.ts";
import { Group } from "./group.ts";
import type { Command, Report } from "./protocol.ts";
import { Vault } from "./vault.ts";
import { View } from "./view.ts";

type Of<K extends Command["kind"]> = Extract<Command, { kind: K }>;

const tell = (report: Report): void => postMessage(report);
const group = new Group(Date.now(), tell);
let vault: Promise<Vault> | null = null;
/** Commands take effect in their order, also while the vault opens. */
let last: Promise<unknown> = Promise.resolve();

addEventListener("message", ({ data }: MessageEvent<Command>) => {
  last = last
    .then(() => obey(data))
    .catch((error) => tell({ kind: "fatal", problem: typeOf(error) }));
});

async function obey(command: Command): Promise<void> {
  switch (command.kind) {
    case "begin":
      vault = begin(command);
      await vault;
      return;
    case "open":
      return open(command, await opened());
    case "close":
      return group.remove(command.view);
    case "play":
      return group.play(command.playing);
    case "speed":
      return group.speed(command.speed);
    case "seek":
      return group.seek(command.timeMs);
    case "scrub":
      return group.scrub(command.timeMs);
    case "step":
      void group.step(command.direction);
      return;
    case "sound":
      return sound(command);
    case "snapshot":
      void snapshot(command);
      return;
    case "gaps":
      void gaps(command, await opened());
      return;
  }
}

async function begin({ vault: seed, client }: Of<"begin">): Promise<Vault> {
  const { keystore, rosters } = await openVault(seed);
  return new Vault(workerClient(client, tell), keystore, rosters);
}

async function opened(): Promise<Vault> {
  if (vault === null) throw new Error("the vault was not opened");
  return await vault;
}

function open({ view: id, camera, renditions, canvas }: Of<"open">, shared: Vault): void {
  const view = new View({
    ...{ vault: shared, camera, renditions, canvas },
    clock: () => group.now(),
    wake: () => group.wake(),
    marks: (marks) => tell({ kind: "marks", view: id, marks }),
  });
  group.add(id, view);
}

function sound({ view, port }: Of<"sound">): void {
  for (const [id, each] of group.views) {
    each.sound.open(id === view ? port : null, () => undefined);
  }
}

async function snapshot({ view, request }: Of<"snapshot">): Promise<void> {
  const picture = await group.views
    .get(view)
    ?.snapshot()
    .catch(() => null);
  tell({ kind: "snapshot", request, picture: picture ?? null });
}

/** Why nothing was recorded; a question without an answer gives no gap. */
async function gaps({ view, request, fromMs, toMs }: Of<"gaps">, shared: Vault): Promise<void> {
  const parts = group.views.get(view)?.gapParts(shared);
  const signal = AbortSignal.timeout(20_000);
  const found = parts === undefined ? [] : gapsWithin(parts, fromMs, toMs, signal);
  const answer = await Promise.resolve(found).catch(() => []);
  tell({ kind: "gaps", request, gaps: answer });
}

function typeOf(error: unknown): string {
  return error instanceof Error && "type" in error ? String(error.type) : "/problems/unknown";
}
