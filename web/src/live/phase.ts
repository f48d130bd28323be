// What a tile says about itself, out of what is known of its connection and its pictures. Pure: times come in.

import type { Code } from "../domain/errors.ts";
import type { Rendition } from "../sealed/record.ts";
import type { Codec } from "../sealed/track.ts";

/** Why a tile shows nothing more until somebody does something. */
export type Stop =
  | { readonly kind: "revoked" | "gone" | "signed-out" | "failed" }
  | { readonly kind: "refused"; readonly code: Code | "replayed" }
  | { readonly kind: "unsupported"; readonly codec: Codec };

/**
 * `connecting`: no picture yet. `joining`: an old picture, the rest is on its way. `live`. `stalled`: connected,
 * but no new pictures. `lost`: trying again. `paused`: nobody looks. `stopped`: see `stop`.
 */
export type Phase = "connecting" | "joining" | "live" | "stalled" | "lost" | "paused" | "stopped";

/** What is known of a tile. Times are local milliseconds. */
export interface Known {
  readonly visible: boolean;
  readonly stop: Stop | null;
  readonly connected: boolean;
  /** A connection was lost since the last new picture. */
  readonly lost: boolean;
  /** Since when somebody looks: a picture of before is old, however short nobody looked. */
  readonly since: number;
  /** When the last picture was drawn; `null`: none is on the canvas. */
  readonly paintedAt: number | null;
  /** Whether that picture was of now when it was drawn. */
  readonly current: boolean;
  readonly now: number;
}

/** Without a new picture for so long a stream has stalled. */
export const STALLED_MS = 3_000;

export function phaseOf(known: Known): Phase {
  if (known.stop !== null) return "stopped";
  if (!known.visible) return "paused";
  if (known.paintedAt === null) return known.lost ? "lost" : "connecting";
  const fresh = known.now - Math.max(known.paintedAt, known.since) < STALLED_MS;
  if (known.current && fresh && known.paintedAt >= known.since) return "live";
  if (known.lost) return "lost";
  if (!known.connected) return "joining";
  return fresh ? "joining" : "stalled";
}

/** What a view is told of a tile. */
export interface LiveState {
  readonly phase: Phase;
  readonly stop: Stop | null;
  /** Capture time of the picture on the screen by the gateway's clock; `null`: there is none. */
  readonly capturedMs: number | null;
  /** The rendition on the screen. */
  readonly rendition: Rendition | null;
  readonly width: number;
  readonly height: number;
  /** A codec that this browser cannot show, while another rendition is shown instead. */
  readonly instead: Codec | null;
  /** Whether the camera sends sound, and whether this browser plays it. */
  readonly sound: "unknown" | "none" | "muted" | "playing" | "unsupported";
  /** When the next try is made, local milliseconds. */
  readonly retryAtMs: number | null;
}

export const FIRST_STATE: LiveState = {
  phase: "connecting",
  stop: null,
  capturedMs: null,
  rendition: null,
  width: 0,
  height: 0,
  instead: null,
  sound: "unknown",
  retryAtMs: null,
};
