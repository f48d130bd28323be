// How far a live stream was seen: manifests count up, and never below what the app saw before. A stream that
// goes back was rolled back or replaced. Where the mark is kept is not decided here.

import { demand } from "../domain/errors.ts";
import type { Hash } from "../domain/id.ts";
import type { Manifest } from "./manifest.ts";

/** The highest manifest of a stream that was seen. */
export interface HighWater {
  readonly counter: bigint;
  /** When it was signed, in milliseconds since 1970. */
  readonly time: bigint;
  readonly hash: Hash;
}

/**
 * Refuses a manifest that does not count up from `last`, or that goes back behind `floor`: joining again
 * shows older manifests once more, but a lower counter at a later time is another history. Gives whether
 * it is the one after `last`; a viewer that was moved on misses some.
 */
export function checkCounter(
  manifest: Manifest,
  last: HighWater | null,
  floor: HighWater | undefined,
): boolean {
  const { counter, hash, previous, time } = manifest;
  if (floor !== undefined) {
    demand(counter >= floor.counter || time <= floor.time, "wrong-counter", "manifest");
    demand(counter !== floor.counter || hash === floor.hash, "broken-chain", "manifest");
  }
  if (last === null) return true;
  demand(counter > last.counter, "wrong-counter", "manifest");
  if (counter > last.counter + 1n) return false;
  demand(previous === last.hash, "broken-chain", "manifest");
  return true;
}
