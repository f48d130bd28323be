// What all cameras of one worker share: the opened keys, the way to the gateway, and for each stream its
// index and epochs.

import { Rosters } from "../account/rosters.ts";
import type { Client } from "../api/client.ts";
import type { CameraId, SiteId } from "../domain/id.ts";
import type { Keystore } from "../identity/keystore.ts";
import type { RosterHistory } from "../sealed/roster.ts";
import { EpochStore } from "./epochs.ts";
import type { FetchAll } from "./keys.ts";
import type { Fetch } from "./loader.ts";
import type { Get, Stream } from "./segments.ts";
import { SegmentIndex } from "./segments.ts";

/** The shared parts of a worker. */
export class Vault {
  readonly site: SiteId;
  readonly rosters: Rosters;
  readonly #client: Client;
  readonly #keystore: Keystore;
  readonly #indexes = new Map<string, SegmentIndex>();
  readonly #epochs = new Map<CameraId, EpochStore>();

  constructor(client: Client, keystore: Keystore, history: RosterHistory) {
    this.#client = client;
    this.#keystore = keystore;
    this.site = keystore.site;
    this.rosters = new Rosters(history, this.get);
  }

  readonly get: Get = (path, signal) => this.#client.get(path, signal);

  readonly fetch: Fetch = async (path, range, signal) => {
    return chunksOf(await this.#client.stream(path, range, signal), signal);
  };

  readonly fetchAll: FetchAll = (path, range, signal) => this.#client.bytes(path, range, signal);

  /** The segments of a stream. */
  index(stream: Stream): SegmentIndex {
    const name = `${stream.camera}/${stream.rendition}`;
    const found = this.#indexes.get(name) ?? new SegmentIndex(this.get, stream);
    this.#indexes.set(name, found);
    return found;
  }

  /** The epochs of a camera. */
  epochs(camera: CameraId): EpochStore {
    const source = { get: this.get, bytes: (path: string) => this.#client.bytes(path) };
    const { readers } = this.#keystore;
    const found = this.#epochs.get(camera) ?? new EpochStore(source, camera, this.rosters, readers);
    this.#epochs.set(camera, found);
    return found;
  }
}

/** The chunks of a body; nothing more is read while nobody asks. */
async function* chunksOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    while (!signal.aborted) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
