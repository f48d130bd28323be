// Which renditions of a camera are joined: the small one alone for a tile, and for a large picture both until the
// large one has caught up, because a group of pictures that is ten seconds old takes a while to decode.

import type { Rendition } from "../sealed/record.ts";

/** What the choice depends on. */
export interface Situation {
  readonly renditions: readonly Rendition[];
  readonly wanted: Rendition;
  /** Renditions that this browser cannot show, or that stopped. */
  readonly failed: ReadonlySet<Rendition>;
  /** Whether the large rendition's pictures are of now. */
  readonly mainCaughtUp: boolean;
  /** The device was too slow for the large rendition a moment ago. */
  readonly overloaded: boolean;
  /** One after the other: the browser's own player takes one stream. */
  readonly single: boolean;
}

/** The renditions to join; the one to be shown first. Empty: there is none that can be shown. */
export function plan(situation: Situation): readonly Rendition[] {
  const { renditions, wanted, failed, mainCaughtUp, overloaded, single } = situation;
  const [main, sub] = (["main", "sub"] as const).map((rendition) => {
    return renditions.includes(rendition) && !failed.has(rendition);
  });
  if (!main) return sub ? ["sub"] : [];
  if (!sub) return ["main"];
  if (wanted === "sub" || overloaded) return ["sub"];
  return mainCaughtUp || single ? ["main"] : ["main", "sub"];
}

/** A picture, and what is on the screen. */
export interface Drawing {
  readonly rendition: Rendition;
  readonly wanted: Rendition;
  readonly mainCaughtUp: boolean;
  /** It is of now; its local time of capture. */
  readonly current: boolean;
  readonly captured: number;
  readonly painted: { readonly captured: number; readonly current: boolean } | null;
}

/** A picture of the past must be so much newer than the one on the screen, in milliseconds. */
const NEWER_MS = 1_000;

/**
 * Whether a picture is drawn. Of now: the large rendition at once, the small one until then. Of a past: only
 * its first picture, and only if it is newer than what is on the screen.
 */
export function draws({ rendition, wanted, mainCaughtUp, ...picture }: Drawing): boolean {
  const { current, captured, painted } = picture;
  if (current) return rendition === "main" || wanted === "sub" || !mainCaughtUp;
  return painted === null || (painted.current && captured > painted.captured + NEWER_MS);
}
