// The epochs of one camera's recordings: envelopes are fetched when a segment needs them, verified under the
// roster that they name, opened once, and kept in bounds.

import type { Rosters } from "../account/rosters.ts";
import { ApiProblem } from "../api/client.ts";
import type { Bytes } from "../domain/bytes.ts";
import { demand, refuse } from "../domain/errors.ts";
import type { CameraId, EpochId, Hash } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";
import type { ReaderKey } from "../identity/reader.ts";
import type { Envelope } from "../sealed/envelope.ts";
import { decodeEnvelope, openEnvelope } from "../sealed/envelope.ts";
import type { Record } from "../sealed/record.ts";
import { hashOf, Splitter } from "../sealed/record.ts";
import type { OpenEpoch } from "../sealed/recorded.ts";
import type { Get } from "./segments.ts";

/** Epochs that are kept: more than a day of one camera. */
export const MAX_EPOCHS = 32;

/** What it asks the gateway with. */
export interface Source {
  readonly get: Get;
  readonly bytes: (path: string) => Promise<Bytes>;
}

interface Kept extends OpenEpoch {
  readonly record: Record;
}

/** The opened epochs of one camera. */
export class EpochStore {
  readonly #source: Source;
  readonly #camera: CameraId;
  readonly #rosters: Rosters;
  readonly #keys: readonly ReaderKey[];
  readonly #records = new Map<EpochId, Promise<Record>>();
  readonly #open = new Map<EpochId, Promise<Kept>>();

  constructor(source: Source, camera: CameraId, rosters: Rosters, keys: readonly ReaderKey[]) {
    this.#source = source;
    this.#camera = camera;
    this.#rosters = rosters;
    this.#keys = keys;
  }

  /** An opened epoch; rejects with a `SealedError` when its envelope is refused. */
  open(id: EpochId): Promise<OpenEpoch> {
    return keep(this.#open, id, () => this.#unwrap(id));
  }

  /** An epoch's envelope record as it was fetched; its roster is known afterwards. */
  record(id: EpochId): Promise<Record> {
    return keep(this.#records, id, () => this.#fetch(id));
  }

  async #fetch(id: EpochId): Promise<Record> {
    const path = `/cameras/${this.#camera}/epochs/${id}`;
    const bytes = await this.#source.bytes(path).catch(missing);
    const splitter = new Splitter();
    const [record, ...more] = [...splitter.push(bytes)];
    const whole = record !== undefined && more.length === 0 && !splitter.pending;
    demand(whole, "unknown", "envelope");
    demand(record.header.kind === "envelope", "not-of-segment", "record kind");
    demand(record.header.rendition === "main", "unknown", "record rendition");
    await this.#rosters.at(decodeEnvelope(record.body).rosterHead);
    return record;
  }

  async #unwrap(id: EpochId): Promise<Kept> {
    const record = await this.record(id);
    const envelope = decodeEnvelope(record.body);
    this.#expect(envelope, id);
    const hash = idOf<Hash>(await hashOf(record));
    const { history } = this.#rosters;
    const roster = history.at(envelope.rosterHead) ?? refuse("other-roster", "envelope");
    const epoch = await openEnvelope(envelope, roster, this.#keys);
    return { epoch, hash, body: record.body, record };
  }

  #expect({ scope }: Envelope, id: EpochId): void {
    demand(scope.site === this.#rosters.history.current.site, "other-site", "envelope");
    demand(scope.camera === this.#camera && scope.epoch === id, "other-scope", "envelope");
  }
}

/** The gateway has no such envelope: as if it were refused. Any other failure stays one. */
function missing(error: unknown): never {
  if (error instanceof ApiProblem && error.status === 404) return refuse("no-envelope", "epoch");
  throw error;
}

/** Works out a value once; a failure is forgotten, so that it is tried again. */
function keep<K, V>(kept: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const found = kept.get(key);
  if (found !== undefined) return found;
  const made = make();
  kept.set(key, made);
  made.catch(() => kept.delete(key));
  for (const oldest of kept.keys()) {
    if (kept.size <= MAX_EPOCHS) break;
    kept.delete(oldest);
  }
  return made;
}
