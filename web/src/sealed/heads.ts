// Compares what manifests say of segments with the chains that were seen, whichever comes first. A
// manifest is the only proof of a chain: frames could be made by anyone who can read them.

import type { Bytes } from "../domain/bytes.ts";
import { demand } from "../domain/errors.ts";
import type { Hash } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";
import type { Head } from "./manifest.ts";
import { MAX_HEADS } from "./manifest.ts";

/** Links of one segment that are remembered; a manifest lags by two seconds, hardly 500 frames. */
export const MAX_LINKS = 4_096;

/** What was seen of one segment: its chain after so many frames, and after its close. */
interface Seen {
  readonly links: Map<number, Hash>;
  frames: number;
  closed: Hash | null;
}

/** The chains of the last few segments of one stream, and what manifests say of them. */
export class Heads {
  readonly #seen = new Map<bigint, Seen>();
  readonly #said = new Map<bigint, Head>();

  /** Notes the chain of segment `number` after `frames` frames (0: after its header). */
  link(number: bigint, frames: number, chain: Bytes): void {
    const seen = this.#segment(number);
    seen.frames = frames;
    seen.links.set(frames, idOf<Hash>(chain));
    seen.links.delete(frames - MAX_LINKS);
    this.#compare(number);
  }

  /** Notes the chain of segment `number` after its close. */
  close(number: bigint, chain: Bytes): void {
    this.#segment(number).closed = idOf<Hash>(chain);
    this.#compare(number);
  }

  /** Takes in what a verified manifest says of a segment; refuses when it is not what was seen. */
  say(head: Head): void {
    this.#said.set(head.number, head);
    trim(this.#said);
    this.#compare(head.number);
  }

  /** Whether a manifest says that segment `number` ended where it was seen to end, without a close. */
  isRecovered(number: bigint): boolean {
    const [head, seen] = [this.#said.get(number), this.#seen.get(number)];
    return head?.state === "recovered" && seen?.frames === head.frames;
  }

  #segment(number: bigint): Seen {
    const seen = this.#seen.get(number) ?? { links: new Map(), frames: 0, closed: null };
    this.#seen.set(number, seen);
    trim(this.#seen);
    return seen;
  }

  #compare(number: bigint): void {
    const [head, seen] = [this.#said.get(number), this.#seen.get(number)];
    if (head === undefined || seen === undefined) return;
    if (head.state === "closed") {
      demand(seen.frames <= head.frames, "broken-chain", "frames");
      if (seen.closed === null) return;
      demand(seen.frames === head.frames, "broken-chain", "frames");
      demand(seen.closed === head.chain, "broken-chain", "close");
      return;
    }
    const link = seen.links.get(head.frames);
    demand(link === undefined || link === head.chain, "broken-chain", "frames");
  }
}

/** Forgets the oldest entries: a manifest speaks of four segments at most. */
function trim(map: Map<bigint, unknown>): void {
  for (const number of map.keys()) {
    if (map.size <= MAX_HEADS) return;
    map.delete(number);
  }
}
