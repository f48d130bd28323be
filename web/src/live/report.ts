// What a tile tells the page, put together out of its parts.

import { videoCodecString } from "../media/codec.ts";
import { localNow } from "./clock.ts";
import type { LiveState, Stop } from "./phase.ts";
import { phaseOf } from "./phase.ts";
import type { LiveDetails } from "./protocol.ts";
import type { Run } from "./run.ts";
import type { Screen, Size } from "./screen.ts";
import type { Stats } from "./stats.ts";
import type { LiveVault } from "./vault.ts";

/** The last picture that was drawn; times local. */
export interface Painted {
  readonly at: number;
  readonly captured: number;
  readonly current: boolean;
}

/** The parts of a tile. */
export interface Parts {
  readonly vault: LiveVault;
  readonly screen: Screen;
  readonly stats: Stats;
  readonly size: Size;
  readonly visible: boolean;
  readonly since: number;
  readonly painted: Painted | null;
  readonly runs: readonly Run[];
  /** The run on the screen, or the one that will be. */
  readonly run: Run | undefined;
  readonly stop: Stop | null;
  /** Why the wanted rendition is not shown. */
  readonly instead: Stop | undefined;
  readonly sound: "off" | "on" | "fails";
}

export function stateOf(parts: Parts, before: LiveState): LiveState {
  const { vault, painted, runs, run, stop, size, visible, since, instead } = parts;
  const phase = phaseOf({
    visible,
    since,
    stop,
    connected: runs.some(({ connected }) => connected),
    lost: runs.length > 0 && runs.every(({ lost }) => lost),
    paintedAt: painted?.at ?? null,
    current: painted?.current ?? false,
    now: localNow(),
  });
  return {
    phase,
    stop,
    capturedMs: painted === null ? null : Math.round(vault.clock.at(painted.captured)),
    rendition: run?.rendition ?? before.rendition,
    ...size,
    instead: phase !== "stopped" && instead?.kind === "unsupported" ? instead.codec : null,
    sound: soundOf(parts, before),
    retryAtMs: phase === "lost" ? (run?.retryAt ?? null) : null,
  };
}

/** Sound stands behind the first picture: only then it is known that there is none. */
function soundOf({ run, sound }: Parts, before: LiveState): LiveState["sound"] {
  if (run === undefined || run.video === null) return before.sound;
  if (run.audio === null) return run.caughtUp ? "none" : before.sound;
  if (sound === "fails") return "unsupported";
  return sound === "on" ? "playing" : "muted";
}

/** Whether a view need not be told; a live picture's time of capture is not told with each picture. */
export function sameState(a: LiveState, b: LiveState): boolean {
  const keys = Object.keys(a) as (keyof LiveState)[];
  const live = a.phase === "live" && b.phase === "live";
  return keys.every((key) => a[key] === b[key] || (live && key === "capturedMs"));
}

export function detailsOf({ vault, screen, stats, size }: Parts, run: Run): LiveDetails {
  const { manifest } = run;
  return {
    rendition: run.rendition,
    codec: run.video && videoCodecString(run.video),
    soundCodec: run.audio?.codec ?? null,
    ...size,
    picturesPerS: stats.picturesPerS,
    bitsPerS: stats.bitsPerS,
    latencyMs: stats.age(0.5),
    latency95Ms: stats.age(0.95),
    clockErrorMs: vault.clock.error,
    decodeMs: run.decodeMs,
    queued: run.queued,
    skipped: screen.skipped,
    dropped: run.dropped,
    shown: stats.shown,
    reconnects: run.reconnects,
    segment: run.segment,
    counter: manifest?.counter ?? null,
    signedMs: manifest === null ? null : Number(manifest.time),
    sealer: manifest?.sealer ?? null,
    epoch: manifest?.scope.epoch ?? null,
  };
}
