// Where one rendition was not recorded, the other may have been: a small stream was given to a camera later, or was
// taken away. Before a hole is shown or leapt over, the other rendition is asked once whether it has pictures there.

import type { Plan } from "./plan.ts";
import type { Renditions } from "./renditions.ts";
import type { Stretch } from "./run.ts";
import { endOf } from "./segments.ts";

/** A hole that ends this soon is not worth another stream, in milliseconds: both are cut at places of their own. */
const SHORT_MS = 5_000;

/** Behind the end of one stream the other has to go on for so long, in milliseconds. */
const BEYOND_MS = 10_000;

/** Asks for the holes of one run after the other. */
export class Elsewhere {
  readonly #renditions: Renditions;
  /** Where the hole begins that was asked for, and whether the answer is there. */
  #asked: { readonly fromMs: number; answered: boolean } | null = null;

  constructor(renditions: Renditions) {
    this.#renditions = renditions;
  }

  /** Another run begins: what was asked holds no more. */
  reset(): void {
    this.#asked = null;
  }

  /** Whether nothing else is to be had for a hole. */
  isKnown(plan: Plan, hole: Stretch, timeMs: number): boolean {
    if (hole.toMs - timeMs < SHORT_MS || this.#renditions.other(plan) === null) return true;
    return this.#asked?.fromMs === hole.fromMs && this.#asked.answered;
  }

  /** Asks for a hole unless that was done; gives the plan that has pictures at `timeMs`, else `null`. */
  async ask(plan: Plan, hole: Stretch, timeMs: number): Promise<Plan | null> {
    const other = this.#renditions.other(plan);
    if (other === null || this.#asked?.fromMs === hole.fromMs) return null;
    const asked = { fromMs: hole.fromMs, answered: false };
    this.#asked = asked;
    const has = await this.#has(other, hole, timeMs).catch(() => false);
    asked.answered = true;
    return has && this.#asked === asked ? other : null;
  }

  async #has({ rendition }: Plan, { toMs }: Stretch, timeMs: number): Promise<boolean> {
    const index = this.#renditions.index(rendition);
    const found = await index?.at(timeMs);
    if (!found || found.startMs > timeMs) return false;
    if (Number.isFinite(toMs)) return true;
    const later = await index?.at(timeMs + BEYOND_MS);
    return !!later && endOf(later) > timeMs + BEYOND_MS;
  }
}
