// What was recorded of the cameras on the page, asked for as it is looked at and kept; and why something was not.

import type { Unlocked } from "../account/session.ts";
import type { Camera, Segments } from "../api/documents.ts";
import type { CameraId } from "../domain/id.ts";
import type { Rendition } from "../sealed/record.ts";
import type { Bounds } from "../timeline/timeline.ts";
import type { PlaybackView } from "./engine.ts";
import type { ToldGap } from "./gaps.ts";
import { DAY_MS, holeIn, SpanIndex } from "./spans.ts";

/** Holes whose reasons are kept. */
const MAX_HOLES = 500;

/** The recordings of a page's cameras. */
export class Recordings {
  readonly #session: Unlocked;
  readonly #changed: () => void;
  readonly #spans = new Map<CameraId, SpanIndex>();
  readonly #reasons = new Map<string, Promise<readonly ToldGap[]>>();

  /** `changed` is told when more is known. */
  constructor(session: Unlocked, changed: () => void) {
    this.#session = session;
    this.#changed = changed;
  }

  /** What is known of `fromMs … toMs`; asks for what is missing. */
  within(camera: Camera, fromMs: number, toMs: number): ReturnType<SpanIndex["within"]> {
    const known = this.#index(camera).within(fromMs, toMs);
    if (!known.complete) this.ask(camera, fromMs, toMs);
    return known;
  }

  /** Asks for what is missing of `fromMs … toMs`, or may be newer. */
  ask(camera: Camera, fromMs: number, toMs: number): void {
    const { signal } = this.#session;
    // Offline or refused: the timeline shows what it knows, and asks again with the next refresh.
    this.#index(camera)
      .load(fromMs, toMs, this.#changed, signal)
      .catch(() => undefined);
  }

  /** The hole in which `timeMs` lies, as far as is known. */
  holeAt(camera: Camera, timeMs: number): Bounds | null {
    const { spans } = this.#index(camera).within(timeMs - DAY_MS / 2, timeMs + DAY_MS / 2);
    const found = holeIn(spans, timeMs, DAY_MS);
    return found === null ? null : { fromMs: found.startMs, toMs: found.endMs };
  }

  /** The signed gaps in a hole; asked for once. */
  reasons(view: PlaybackView, { id }: Camera, hole: Bounds): Promise<readonly ToldGap[]> {
    const name = `${id} ${hole.fromMs}`;
    const kept = this.#reasons.get(name) ?? view.gaps(hole.fromMs, hole.toMs);
    this.#reasons.set(name, kept);
    const [oldest] = this.#reasons.keys();
    if (this.#reasons.size > MAX_HOLES && oldest !== undefined) this.#reasons.delete(oldest);
    return kept;
  }

  /** When the oldest recording begins; `null` when there is none, or it can't be asked. */
  async oldestMs(camera: Camera): Promise<number | null> {
    const path = `/cameras/${camera.id}/segments?rendition=${largest(camera)}&limit=1`;
    const answer = await this.#session.client.get<Segments>(path).catch(() => null);
    return answer?.segments[0]?.startMs ?? null;
  }

  #index(camera: Camera): SpanIndex {
    const get = this.#session.client.get.bind(this.#session.client);
    const known = this.#spans.get(camera.id);
    const index = known ?? new SpanIndex(get, { camera: camera.id, rendition: largest(camera) });
    this.#spans.set(camera.id, index);
    return index;
  }
}

/** The rendition whose recordings are told. */
function largest({ streams }: Camera): Rendition {
  return streams.some(({ rendition }) => rendition === "main") ? "main" : "sub";
}
