// For tests: the shared vectors of fixtures/sealed-stream as values. Without the folder every test that uses it fails.

import { readFileSync } from "node:fs";

import type { Bytes } from "../../domain/bytes.ts";
import { refuse } from "../../domain/errors.ts";
import type { CameraId, EpochId, Hash } from "../../domain/id.ts";
import { idOf, parseId } from "../../domain/id.ts";
import type { ReaderKey } from "../../identity/reader.ts";
import { readerKeyFromSeed, suiteFrom } from "../../identity/reader.ts";
import { decodeStatement } from "../../identity/roster/statement.ts";
import { decodeEnvelope, openEnvelope } from "../envelope.ts";
import type { Record, Rendition } from "../record.ts";
import { hashOf, Splitter } from "../record.ts";
import type { OpenEpoch } from "../recorded.ts";
import { RosterHistory } from "../roster.ts";

const FOLDER = new URL("../../../../fixtures/sealed-stream/", import.meta.url);

/** The parts of `household.json` that several tests need. */
export interface Household {
  readonly camera: string;
  readonly genesis: string;
  readonly statements: readonly string[];
  readonly entitled: readonly {
    readonly camera: string;
    readonly statements: number;
    readonly time: string;
    readonly keys: readonly string[];
  }[];
  readonly readers: readonly { readonly suite: number; readonly seed: number }[];
  readonly envelopes: readonly { readonly epoch: string; readonly record: string }[];
  readonly frames: readonly { readonly rendition: Rendition; readonly data: string }[];
}

/** A case of `recordings.json`: what is done to `main.bin`, and what is found then. */
export interface RecordingCase {
  readonly name: string;
  readonly keep: readonly (readonly [number, number])[];
  readonly flip: number | null;
  readonly append: string;
  readonly findings: readonly string[];
}

export const read = (name: string): Bytes => new Uint8Array(readFileSync(new URL(name, FOLDER)));
export const json = <T>(name: string): T => JSON.parse(new TextDecoder().decode(read(name))) as T;
export const unhex = (text: string): Bytes => new Uint8Array(Buffer.from(text, "hex"));

/** The household of the vectors, replayed. */
export interface World {
  readonly home: Household;
  readonly camera: CameraId;
  readonly rosters: RosterHistory;
  readonly keys: readonly ReaderKey[];
  /** The envelope record of an epoch. */
  envelope(epoch: EpochId): Record | undefined;
  /** The epoch, opened with the keys of all readers. */
  open(epoch: EpochId): Promise<OpenEpoch>;
}

export async function world(): Promise<World> {
  const home = json<Household>("household.json");
  const [first, ...rest] = await Promise.all(
    home.statements.map((text) => decodeStatement(unhex(text))),
  );
  const rosters = await RosterHistory.begin(first!, parseId<Hash>(home.genesis, 32));
  for (const statement of rest) await rosters.add(statement);
  const keys = await Promise.all(
    home.readers.map(({ suite, seed }) =>
      readerKeyFromSeed(suiteFrom(suite, "suite"), new Uint8Array(32).fill(seed)),
    ),
  );
  const envelope = (epoch: EpochId) => {
    const found = home.envelopes.find((each) => each.epoch === epoch);
    return found && [...new Splitter().push(unhex(found.record))][0];
  };
  const open = async (epoch: EpochId): Promise<OpenEpoch> => {
    const record = envelope(epoch) ?? refuse("no-envelope", "epoch");
    const decoded = decodeEnvelope(record.body);
    const opened = await openEnvelope(decoded, rosters.at(decoded.rosterHead)!, keys);
    return { epoch: opened, hash: idOf<Hash>(await hashOf(record)), body: record.body };
  };
  const camera = parseId<CameraId>(home.camera, 16);
  return { home, camera, rosters, keys, envelope, open };
}

/** `main.bin` as a case changes it. */
export function changed(main: Bytes, { keep, flip, append }: RecordingCase): Bytes {
  const bytes = main.slice();
  if (flip !== null) bytes[flip]! ^= 1;
  const kept = keep.flatMap(([from, to]) => [...bytes.subarray(from, to)]);
  return new Uint8Array([...kept, ...unhex(append)]);
}
