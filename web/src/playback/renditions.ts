// What is known of a camera's renditions: where their segments lie, how heavy they are, and whether the browser
// decodes them at all.

import type { CameraId } from "../domain/id.ts";
import type { Rendition } from "../sealed/record.ts";
import type { VideoConfig } from "../sealed/track.ts";
import { Lines } from "./line.ts";
import type { Known, Plan } from "./plan.ts";
import { GUESS_MS_PER_MEGAPIXEL, planFor } from "./plan.ts";
import type { SegmentIndex } from "./segments.ts";
import type { Vault } from "./vault.ts";

/** What streams are taken for until they were seen. */
const UNKNOWN: { readonly [rendition in Rendition]: Known } = {
  main: { playable: true, pixels: 1920 * 1080, framesPerSecond: 20, keyMs: 2_000 },
  sub: { playable: true, pixels: 640 * 360, framesPerSecond: 12, keyMs: 2_000 },
};

/** A speed that is just not ordinary any more: where a machine can't even play at 1×, it plans as if faster. */
const STRAINED = 1.01;

/** One camera's renditions. */
export class Renditions {
  readonly #indexes = new Map<Rendition, SegmentIndex>();
  readonly #known = new Map<Rendition, Known>();
  readonly #lines = { main: new Lines(), sub: new Lines() };

  constructor(vault: Vault, camera: CameraId, renditions: readonly Rendition[]) {
    for (const rendition of renditions) {
      this.#indexes.set(rendition, vault.index({ camera, rendition }));
      this.#known.set(rendition, UNKNOWN[rendition]);
    }
  }

  index(rendition: Rendition): SegmentIndex | undefined {
    return this.#indexes.get(rendition);
  }

  /** Where its pictures lie in time. */
  lines(rendition: Rendition): Lines {
    return this.#lines[rendition];
  }

  /** The one whose recordings are asked about. */
  get largest(): Rendition {
    return this.#indexes.has("main") ? "main" : "sub";
  }

  /** Those that the browser decodes, the one first that previews are the fastest from. */
  get forPreviews(): readonly Rendition[] {
    const order: readonly Rendition[] = ["sub", "main"];
    return order.filter((rendition) => this.#playable(rendition));
  }

  /** What could play in place of `plan`; `null` where nothing could. */
  other({ rendition, frames }: Plan): Plan | null {
    if (rendition === "main") return this.#playable("sub") ? { rendition: "sub", frames } : null;
    // The small stream was chosen because the main one is too much.
    return this.#playable("main") ? { rendition: "main", frames: "keys" } : null;
  }

  /** The plan that fits `speed`; `cost`: milliseconds for a megapixel, once it was found to be too much. */
  planFor(speed: number, cost: number | null, cameras: number): Plan {
    const [main, sub] = [this.#known.get("main"), this.#known.get("sub") ?? null];
    if (main === undefined) return { rendition: "sub", frames: "all" };
    const strained = cost !== null && speed <= 1 && sub?.playable === true;
    const wanted = strained ? STRAINED : speed;
    return planFor(wanted, { main, sub }, cost ?? GUESS_MS_PER_MEGAPIXEL, cameras);
  }

  learn(rendition: Rendition, { width, height }: VideoConfig): void {
    const known = this.#known.get(rendition);
    if (known !== undefined) this.#known.set(rendition, { ...known, pixels: width * height });
  }

  /** The browser does not decode `rendition`; gives what to play instead, if anything. */
  without(rendition: Rendition): Plan | null {
    const known = this.#known.get(rendition);
    if (known !== undefined) this.#known.set(rendition, { ...known, playable: false });
    const other = rendition === "main" ? "sub" : "main";
    return this.#playable(other) ? { rendition: other, frames: "all" } : null;
  }

  #playable(rendition: Rendition): boolean {
    return this.#known.get(rendition)?.playable === true;
  }
}
