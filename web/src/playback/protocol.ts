// What the page and the playback worker say to each other. Everything is structured-cloneable; keys never
// travel, only what opens them in the worker itself.

import type { VaultSeed } from "../account/session.ts";
import type { SignedOut } from "../account/worker.ts";
import type { ClientSeed } from "../api/client.ts";
import type { CameraId, Fingerprint } from "../domain/id.ts";
import type { Rendition } from "../sealed/record.ts";
import type { Codec } from "../sealed/track.ts";
import type { Speed } from "./clock.ts";
import type { ToldGap } from "./gaps.ts";
import type { Mark } from "./marks.ts";
import type { Plan } from "./plan.ts";

/** To the worker. */
export type Command =
  | { readonly kind: "begin"; readonly vault: VaultSeed; readonly client: ClientSeed }
  | {
      readonly kind: "open";
      readonly view: number;
      readonly camera: CameraId;
      readonly renditions: readonly Rendition[];
      readonly canvas: OffscreenCanvas;
    }
  | { readonly kind: "close"; readonly view: number }
  | { readonly kind: "play"; readonly playing: boolean }
  | { readonly kind: "speed"; readonly speed: Speed }
  | { readonly kind: "seek"; readonly timeMs: number }
  /** A preview of this moment; playing rests until the next seek. */
  | { readonly kind: "scrub"; readonly timeMs: number }
  | { readonly kind: "step"; readonly direction: 1 | -1 }
  /** Sound of one view through this port, or silence. */
  | { readonly kind: "sound"; readonly view: number; readonly port: MessagePort | null }
  | { readonly kind: "snapshot"; readonly view: number; readonly request: number }
  | {
      readonly kind: "gaps";
      readonly view: number;
      readonly request: number;
      readonly fromMs: number;
      readonly toMs: number;
    };

/** Why a camera shows no picture of the moment. */
export type Shows =
  /** Being fetched. */
  | { readonly kind: "loading" }
  | { readonly kind: "picture" }
  /** A keyframe near the moment, while somebody scrubs. */
  | { readonly kind: "preview"; readonly timeMs: number }
  /** Nothing was recorded between these. `toMs` is `null` before the end of all recordings. */
  | { readonly kind: "gap"; readonly fromMs: number; readonly toMs: number | null }
  /** The browser does not decode the codec, or (`null`) gave up on these pictures. */
  | { readonly kind: "unplayable"; readonly codec: Codec | null }
  /** The gateway could not be asked. */
  | { readonly kind: "failed"; readonly problem: string };

/** One camera's state. */
export interface ViewState {
  readonly shows: Shows;
  /** Capture time of the picture that is shown, in milliseconds since 1970. */
  readonly pictureMs: number | null;
  readonly plan: Plan;
  readonly width: number;
  readonly height: number;
  /** Up to when what was played is covered by the sealer's signature. */
  readonly signedTo: number | null;
  /** When the newest manifest that was loaded was signed. */
  readonly lastSigned: number | null;
  /** Fingerprint of the key that signed it. */
  readonly sealer: Fingerprint | null;
  readonly hasSound: boolean;
}

/** The group's clock. */
export interface ClockState {
  readonly timeMs: number;
  /** Whether the clock is meant to run. */
  readonly playing: boolean;
  /** It stands although it is meant to run: a picture is on its way. */
  readonly held: boolean;
  readonly speed: Speed;
  /** All cameras are at the end of what is recorded. */
  readonly ended: boolean;
}

/** From the worker. */
export type Report =
  | SignedOut
  | { readonly kind: "clock"; readonly clock: ClockState }
  | { readonly kind: "view"; readonly view: number; readonly state: ViewState }
  | {
      readonly kind: "marks";
      readonly view: number;
      readonly marks: readonly Mark[];
    }
  /** A stretch in which no camera recorded was passed over. */
  | { readonly kind: "skipped"; readonly fromMs: number; readonly toMs: number }
  | { readonly kind: "snapshot"; readonly request: number; readonly picture: Blob | null }
  | { readonly kind: "gaps"; readonly request: number; readonly gaps: readonly ToldGap[] }
  /** Nothing works any more. */
  | { readonly kind: "fatal"; readonly problem: string };
