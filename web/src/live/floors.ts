// How far a camera's streams were seen, and that the page is told when it is further.

import type { CameraId } from "../domain/id.ts";
import type { HighWater } from "../sealed/highwater.ts";
import type { Rendition } from "../sealed/record.ts";
import type { FromWorker } from "./protocol.ts";

export class Floors {
  readonly #camera: CameraId;
  readonly #tell: (message: FromWorker) => void;
  readonly #seen: Map<Rendition, HighWater>;

  constructor(
    camera: CameraId,
    seen: { readonly [rendition in Rendition]?: HighWater },
    tell: (message: FromWorker) => void,
  ) {
    this.#camera = camera;
    this.#tell = tell;
    this.#seen = new Map(Object.entries(seen) as [Rendition, HighWater][]);
  }

  of(rendition: Rendition): HighWater | undefined {
    return this.#seen.get(rendition);
  }

  /** Keeps it; a lower one changes nothing. */
  note(rendition: Rendition, high: HighWater | undefined): void {
    if (high === undefined || high.counter <= (this.of(rendition)?.counter ?? -1n)) return;
    const { counter, time, hash } = high;
    const kept = { counter, time, hash };
    this.#seen.set(rendition, kept);
    this.#tell({ kind: "head", camera: this.#camera, rendition, high: kept });
  }
}
