// What page and live worker say to each other. Types only.

import type { VaultSeed } from "../account/session.ts";
import type { SignedOut } from "../account/worker.ts";
import type { ClientSeed } from "../api/client.ts";
import type { CameraId } from "../domain/id.ts";
import type { HighWater } from "../sealed/highwater.ts";
import type { Rendition } from "../sealed/record.ts";
import type { Codec } from "../sealed/track.ts";
import type { LiveState } from "./phase.ts";

/** How pictures come to the screen: decoded in the worker, or by the browser's own player. */
export type PlayerKind = "canvas" | "mse";

/** Which rendition a view wants. */
export type Quality = Rendition;

/** What a tile is opened with. */
export interface TileRequest {
  readonly id: number;
  readonly camera: CameraId;
  readonly renditions: readonly Rendition[];
  readonly quality: Quality;
  readonly visible: boolean;
  readonly floors: { readonly main?: HighWater; readonly sub?: HighWater };
  /** `null`: units go back to the page, for its player. */
  readonly canvas: OffscreenCanvas | null;
}

export type ToWorker =
  | { readonly kind: "start"; readonly vault: VaultSeed; readonly client: ClientSeed }
  | { readonly kind: "open"; readonly tile: TileRequest }
  | { readonly kind: "visible"; readonly id: number; readonly visible: boolean }
  | { readonly kind: "quality"; readonly id: number; readonly quality: Quality }
  /** Sound through this port, or silence. */
  | { readonly kind: "sound"; readonly id: number; readonly port: MessagePort | null }
  | { readonly kind: "snapshot"; readonly id: number; readonly request: number }
  /** The browser's own player does not take this codec. */
  | { readonly kind: "unsupported"; readonly id: number; readonly codec: Codec }
  | { readonly kind: "retry"; readonly id: number }
  | { readonly kind: "hurry" }
  | { readonly kind: "close"; readonly id: number };

/** Details of a tile for those who ask. Times in milliseconds. */
export interface LiveDetails {
  readonly rendition: Rendition | null;
  readonly codec: string | null;
  readonly soundCodec: string | null;
  readonly width: number;
  readonly height: number;
  readonly picturesPerS: number;
  readonly bitsPerS: number;
  /** From capture to screen, median and 95th percentile of the last pictures. */
  readonly latencyMs: number | null;
  readonly latency95Ms: number | null;
  /** How wrong the latency may be: half the fastest answer of the gateway's clock. */
  readonly clockErrorMs: number;
  readonly decodeMs: number;
  readonly queued: number;
  /** Pictures that were decoded and not drawn, and units that were dropped, while live. */
  readonly skipped: number;
  readonly dropped: number;
  readonly shown: number;
  readonly reconnects: number;
  readonly segment: bigint;
  /** The newest signed manifest: its counter, and when it was signed by the gateway's clock. */
  readonly counter: bigint | null;
  readonly signedMs: number | null;
  readonly sealer: string | null;
  readonly epoch: string | null;
}

export type FromWorker =
  | SignedOut
  | { readonly kind: "ready"; readonly offset: number }
  | { readonly kind: "failed" }
  | { readonly kind: "clock"; readonly offset: number }
  | { readonly kind: "state"; readonly id: number; readonly state: LiveState }
  | { readonly kind: "details"; readonly id: number; readonly details: LiveDetails }
  | {
      readonly kind: "snapshot";
      readonly id: number;
      readonly request: number;
      readonly blob: Blob | null;
    }
  | {
      readonly kind: "head";
      readonly camera: CameraId;
      readonly rendition: Rendition;
      readonly high: HighWater;
    }
  /** For the browser's own player. `init` starts anew, with this type. */
  | {
      readonly kind: "media";
      readonly id: number;
      readonly init: { readonly type: string; readonly codec: Codec } | null;
      readonly bytes: Uint8Array<ArrayBuffer>;
    };
