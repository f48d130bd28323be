// The vectors that core/ wrote (fixtures/sealed-stream): what one implementation seals the other opens, and
// what one refuses the other refuses, with the same verdict. Without the folder this test fails.

import { readFileSync } from "node:fs";

import { beforeAll, expect, test } from "vitest";

import type { Bytes } from "../domain/bytes.ts";
import type { CameraId, Hash } from "../domain/id.ts";
import { parseId } from "../domain/id.ts";
import { signingKeyFromSeed } from "../identity/key.ts";
import { unlockKeystore } from "../identity/keystore.ts";
import type { ReaderKey, SuiteCode } from "../identity/reader.ts";
import { readerKeyFromSeed, suiteFrom } from "../identity/reader.ts";
import { lockFrom, parseWords } from "../identity/recovery.ts";
import { apply } from "../identity/roster/rules.ts";
import { sealerOf } from "../identity/roster/state.ts";
import type { Statement } from "../identity/roster/statement.ts";
import { decodeStatement, signStatement } from "../identity/roster/statement.ts";
import { decodeEnvelope, openEnvelope } from "./envelope.ts";
import { decodeManifest, verifyManifest } from "./manifest.ts";
import type { Record, Rendition } from "./record.ts";
import { Splitter } from "./record.ts";
import { verifyRecording } from "./recording.ts";
import type { Report } from "./report.ts";
import { RosterHistory } from "./roster.ts";
import type { Opened } from "./stream.ts";
import { StreamOpener } from "./stream.ts";
import { verdict } from "./testing/refusal.ts";

const FOLDER = new URL("../../../fixtures/sealed-stream/", import.meta.url);

interface Household {
  words: string;
  lock: string;
  keystore: string;
  recoveryIdentity: string;
  recoveryReader: string;
  camera: string;
  genesis: string;
  heads: string[];
  statements: string[];
  /** Seeds (one byte, 32 times) of the keys that signed the statements. */
  authors: number[];
  readers: { suite: number; seed: number; id: string }[];
  envelopes: { epoch: string; record: string }[];
  frames: FrameText[];
}

interface FrameText {
  rendition: string;
  track: string;
  key: boolean;
  captured: string;
  pts: string;
  decodeOffset: number;
  data: string;
}

interface Case {
  kind: "segment" | "envelope" | "statement" | "manifest";
  name: string;
  verdict: string;
  bytes: string;
}

interface RecordingCase {
  name: string;
  /** Byte ranges of the main recording that are kept. */
  keep: [number, number][];
  /** The byte whose lowest bit is flipped first. */
  flip: number | null;
  append: string;
  findings: string[];
}

const read = (name: string): Bytes => new Uint8Array(readFileSync(new URL(name, FOLDER)));
const json = <T>(name: string): T => JSON.parse(new TextDecoder().decode(read(name))) as T;
const unhex = (text: string): Bytes => new Uint8Array(Buffer.from(text, "hex"));
const seedOf = (byte: number): Bytes => new Uint8Array(32).fill(byte);
const firstRecord = (bytes: Bytes): Record => [...new Splitter().push(bytes)][0]!;

let home: Household;
let camera: CameraId;
let statements: Statement[];
let history: RosterHistory;
let readers: ReaderKey[];

beforeAll(async () => {
  home = json<Household>("household.json");
  camera = parseId<CameraId>(home.camera, 16);
  statements = await Promise.all(home.statements.map((text) => decodeStatement(unhex(text))));
  history = await RosterHistory.begin(statements[0]!, parseId<Hash>(home.genesis, 32));
  for (const statement of statements.slice(1)) await history.add(statement);
  readers = await Promise.all(home.readers.map(readerOf));
});

function readerOf({ suite, seed }: { suite: number; seed: number }): Promise<ReaderKey> {
  return readerKeyFromSeed(suiteFrom(suite, "suite") as SuiteCode, seedOf(seed));
}

const envelopesFor = (key: ReaderKey): Bytes[] =>
  home.envelopes
    .map(({ record }) => unhex(record))
    .filter((bytes) => {
      const { wraps } = decodeEnvelope(firstRecord(bytes).body);
      return wraps.some((wrap) => wrap.key === key.public.id);
    });

test("the roster is the same, and its statements are signed to the same bytes", async () => {
  expect(statements.map(({ hash }) => hash)).toEqual(home.heads);
  for (const [at, statement] of statements.entries()) {
    const key = await signingKeyFromSeed(seedOf(home.authors[at]!));
    const again = await signStatement(key, statement, statement.time, statement.operation);
    expect(again.bytes).toEqual(statement.bytes);
  }
});

test("recovery words and key store give the same keys", async () => {
  const words = await parseWords(home.words);
  if ("kind" in words) throw new Error(words.kind);
  expect((await words.identity()).public.id).toBe(home.recoveryIdentity);
  expect((await words.reader()).public.id).toBe(home.recoveryReader);
  const own = await unlockKeystore(unhex(home.keystore), await words.lock());
  const lock = await lockFrom(unhex(home.lock));
  const other = await unlockKeystore(unhex(home.keystore), lock);
  const owner = history.current.members.get(own.member);
  expect([own.site, own.identity.public]).toEqual([history.current.site, owner?.identity]);
  expect(own.readers.map((key) => key.public)).toEqual(owner?.readers);
  expect(other.identity.public).toEqual(own.identity.public);
});

test("reader keys of both suites have the same ids", () => {
  expect(readers.map((key) => key.public.id)).toEqual(home.readers.map(({ id }) => id));
  expect(new Set(home.readers.map(({ suite }) => suite))).toEqual(new Set([0x0020, 0x647a]));
});

function textOf(rendition: Rendition, { frame }: Opened & { kind: "frame" }): FrameText {
  return {
    ...{ rendition, track: frame.track, key: frame.key, captured: `${frame.captured}` },
    ...{ pts: `${frame.pts}`, decodeOffset: frame.decodeOffset },
    data: Buffer.from(frame.data).toString("hex"),
  };
}

/** The frames of `rendition` that `key` opens, up to the end or to an epoch that is not its. */
async function play(rendition: Rendition, key: ReaderKey): Promise<[FrameText[], string]> {
  const opener = new StreamOpener({ camera, rendition, rosters: history, keys: [key] });
  const out: FrameText[] = [];
  const end = await verdict(async () => {
    for (const bytes of envelopesFor(key)) await opener.push(bytes);
    for (const { covered, check, body } of new Splitter().push(read(`${rendition}.bin`))) {
      const opened = await opener.push(new Uint8Array([...covered, ...check, ...body]));
      for (const each of opened) if (each.kind === "frame") out.push(textOf(rendition, each));
    }
  });
  return [out, end];
}

test("every reader opens its epochs of both renditions, and no more", async () => {
  for (const rendition of ["main", "sub"] as const) {
    const all = home.frames.filter((frame) => frame.rendition === rendition);
    expect(await play(rendition, readers[0]!)).toEqual([all, "accepted"]);
    const [part, end] = await play(rendition, readers[1]!);
    expect(part.length).toBeGreaterThan(100);
    expect([part, end]).toEqual([all.slice(0, part.length), "no-envelope"]);
  }
});

function judge({ kind, bytes }: Case): Promise<string> {
  const input = unhex(bytes);
  const first = firstRecord(unhex(home.envelopes[0]!.record));
  const rosters = history;
  switch (kind) {
    case "segment":
      return verdict(async () => {
        const request = { camera, rendition: "main", rosters, keys: readers } as const;
        const opener = new StreamOpener(request);
        await opener.push(unhex(home.envelopes[0]!.record));
        await opener.push(input);
      });
    case "envelope":
      return verdict(async () => {
        const roster = rosters.at(decodeEnvelope(first.body).rosterHead)!;
        await openEnvelope(decodeEnvelope(input), roster, [readers[1]!]);
      });
    case "statement":
      return verdict(async () => apply(rosters.current, await decodeStatement(input)));
    case "manifest":
      return verdict(async () => {
        const manifest = await decodeManifest(firstRecord(input));
        await verifyManifest(manifest, sealerOf(rosters.current, camera)!);
      });
  }
}

test("every case has the same verdict", async () => {
  const cases = json<Case[]>("cases.json");
  expect(cases.length).toBeGreaterThan(90);
  const found = await Promise.all(cases.map(judge));
  const line = ({ kind, name }: Case, code: string) => `${kind}: ${name}: ${code}`;
  expect(cases.map((each, at) => line(each, found[at]!))).toEqual(
    cases.map((each) => line(each, each.verdict)),
  );
});

function check(rendition: Rendition, bytes: Bytes): Promise<Report> {
  const envelope = (epoch: string) => {
    const found = home.envelopes.find((each) => each.epoch === epoch);
    return found && firstRecord(unhex(found.record));
  };
  return verifyRecording({ camera, rendition, rosters: history, envelope }, [bytes]);
}

test("every recording has the same findings", async () => {
  const main = read("main.bin");
  expect((await check("sub", read("sub.bin"))).findingCount).toBe(0);
  for (const { name, keep, flip, append, findings } of json<RecordingCase[]>("recordings.json")) {
    const changed = main.slice();
    if (flip !== null) changed[flip]! ^= 1;
    const kept = keep.flatMap(([from, to]) => [...changed.subarray(from, to)]);
    const report = await check("main", new Uint8Array([...kept, ...unhex(append)]));
    const kinds = new Set(report.findings.map(({ problem }) => problem.kind));
    expect([name, [...kinds].sort()]).toEqual([name, findings]);
  }
});
