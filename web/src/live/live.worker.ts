// The live worker: one for all tiles. It opens the vault in itself, and holds every connection, decoder and canvas.
// When it is ended, nothing of keys or pictures is left.

import { workerClient } from "../account/worker.ts";
import { MuxScreen } from "./mux-screen.ts";
import type { FromWorker, TileRequest, ToWorker } from "./protocol.ts";
import { CanvasScreen } from "./screen.ts";
import { Tile } from "./tile.ts";
import type { LiveVault } from "./vault.ts";
import { openLiveVault } from "./vault.ts";

/** How often tiles look at the time, in milliseconds; details go out every fourth time. */
const TICK_MS = 250;

const tiles = new Map<number, Tile>();
/** Tiles that were asked for before the vault was open. */
const early = new Map<number, TileRequest>();
let vault: LiveVault | null = null;
let ticks = 0;

function tell(message: FromWorker, transfer: Transferable[] = []): void {
  postMessage(message, { transfer });
}

function open(request: TileRequest): void {
  if (vault === null) {
    early.set(request.id, request);
    return;
  }
  const { id, canvas } = request;
  const screen = canvas === null ? new MuxScreen(id, tell) : new CanvasScreen(canvas);
  tiles.set(id, new Tile(request, vault, screen, tell));
}

async function start(message: Extract<ToWorker, { kind: "start" }>): Promise<void> {
  try {
    vault = await openLiveVault(message.vault, workerClient(message.client, tell));
  } catch {
    return tell({ kind: "failed" });
  }
  tell({ kind: "ready", offset: vault.clock.offset });
  for (const request of early.values()) open(request);
  early.clear();
  setInterval(tick, TICK_MS);
}

function tick(): void {
  ticks += 1;
  const withDetails = ticks % 4 === 0;
  for (const tile of tiles.values()) tile.tick(withDetails);
  if (withDetails && vault !== null) tell({ kind: "clock", offset: vault.clock.offset });
}

async function snapshot(id: number, request: number): Promise<void> {
  const blob = await (tiles.get(id)?.snapshot() ?? null);
  tell({ kind: "snapshot", id, request, blob });
}

function close(id: number): void {
  early.delete(id);
  tiles.get(id)?.close();
  tiles.delete(id);
}

/** Changes of a tile that waits for the vault are changes of its request. */
function changeEarly(message: ToWorker): boolean {
  const request = "id" in message ? early.get(message.id) : undefined;
  if (request === undefined) return false;
  if (message.kind === "visible") {
    early.set(request.id, { ...request, visible: message.visible });
  } else if (message.kind === "quality") {
    early.set(request.id, { ...request, quality: message.quality });
  }
  return message.kind === "visible" || message.kind === "quality";
}

function change(message: ToWorker): void {
  if (!("id" in message)) return;
  const tile = tiles.get(message.id);
  if (message.kind === "visible") tile?.setVisible(message.visible);
  else if (message.kind === "quality") tile?.setQuality(message.quality);
  else if (message.kind === "sound") tile?.setSound(message.port);
  else if (message.kind === "unsupported") tile?.refuseCodec(message.codec);
  else if (message.kind === "retry") tile?.retry();
}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === "start") void start(data);
  else if (data.kind === "open") open(data.tile);
  else if (data.kind === "close") close(data.id);
  else if (data.kind === "snapshot") void snapshot(data.id, data.request);
  else if (data.kind === "hurry") for (const tile of tiles.values()) tile.hurry();
  else if (!changeEarly(data)) change(data);
};
