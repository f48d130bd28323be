// Envelopes: who may open an epoch (docs/sealed-stream.md §3). An epoch's secret comes out only after the
// sealer, its signature, the list of readers and the commitment were checked, in this order.

import type { Bytes } from "../domain/bytes.ts";
import { ascii, compare, concat, equal } from "../domain/bytes.ts";
import { demand, refuse } from "../domain/errors.ts";
import { expand, expandKey } from "../domain/hkdf.ts";
import type { CameraId, EpochId, Hash, KeyId, SiteId } from "../domain/id.ts";
import { bytesOf, idOf } from "../domain/id.ts";
import { Reader } from "../domain/wire.ts";
import type { VerifyingKey } from "../identity/key.ts";
import { SIGNATURE_LEN, verify } from "../identity/key.ts";
import type { ReaderKey, SuiteCode } from "../identity/reader.ts";
import { SUITES, suiteFrom, unwrap } from "../identity/reader.ts";
import type { Roster } from "../identity/roster/state.ts";
import { recipients, sealerOf } from "../identity/roster/state.ts";
import type { Epoch, Scope } from "./scope.ts";
import { scopeBytes } from "./scope.ts";

/** Reader keys that one epoch is wrapped to. */
export const MAX_WRAPS = 256;

/** Bytes of a wrapped epoch secret: 32 and a tag. */
const WRAP_LEN = 48;

const VERSION = 1;
const CONTEXT = "bartizan/v1/envelope";

/** The epoch secret for one reader key. */
export interface Wrap {
  readonly key: KeyId;
  readonly suite: SuiteCode;
  readonly enc: Bytes;
  readonly ciphertext: Bytes;
}

/** An envelope as it was read; nothing of it is believed yet. */
export interface Envelope {
  readonly scope: Scope;
  readonly sealer: KeyId;
  /** Milliseconds since 1970. */
  readonly start: bigint;
  /** Statements of the roster by which it was made, and the hash of the last. */
  readonly rosterLength: bigint;
  readonly rosterHead: Hash;
  readonly commitment: Bytes;
  /** Hashes of the last manifests of main and sub; zero when there is none. */
  readonly previousManifests: { readonly main: Hash; readonly sub: Hash };
  readonly wraps: readonly Wrap[];
  /** What the signature covers, without its context. */
  readonly signed: Bytes;
  readonly signature: Bytes;
}

/** Reads an envelope record's body without believing it. */
export function decodeEnvelope(body: Bytes): Envelope {
  const input = new Reader(body.slice());
  input.exactly("envelope version", VERSION);
  const scope = {
    site: idOf<SiteId>(input.view("site", 16)),
    camera: idOf<CameraId>(input.view("camera", 16)),
    epoch: idOf<EpochId>(input.view("epoch", 16)),
  };
  const sealer = idOf<KeyId>(input.view("sealer", 16));
  const start = input.u64("start");
  const rosterLength = input.u64("roster length");
  const rosterHead = idOf<Hash>(input.view("roster head", 32));
  const commitment = input.view("commitment", 32);
  const main = idOf<Hash>(input.view("previous main manifest", 32));
  const sub = idOf<Hash>(input.view("previous sub manifest", 32));
  const wraps = decodeWraps(input);
  const signed = input.before();
  const signature = input.view("signature", SIGNATURE_LEN);
  input.finish("envelope");
  const previousManifests = { main, sub };
  const head = { scope, sealer, start, rosterLength, rosterHead, commitment, previousManifests };
  return { ...head, wraps, signed, signature };
}

function decodeWraps(input: Reader): Wrap[] {
  const count = input.count16("wraps", MAX_WRAPS);
  demand(count > 0, "short", "wraps");
  const wraps: Wrap[] = [];
  let last: Bytes | null = null;
  for (let at = 0; at < count; at += 1) {
    const id = input.view("wrap key", 16);
    demand(last === null || compare(last, id) < 0, "unknown", "wrap key");
    last = id;
    const suite = suiteFrom(input.u16("wrap suite"), "wrap suite");
    const { encLength } = SUITES[suite];
    const length = input.count16("wrap enc", encLength);
    demand(length === encLength, "short", "wrap enc");
    const enc = input.view("wrap enc", length);
    wraps.push({ key: idOf<KeyId>(id), suite, enc, ciphertext: input.view("wrap", WRAP_LEN) });
  }
  return wraps;
}

/**
 * Checks an envelope against the roster whose head it names: the sealer is the camera's, the signature
 * is its, and the wraps are those of the readers that the roster entitles at the envelope's start, no
 * one more and no one less. Gives the sealer's key. Needs no reader key.
 */
export async function verifyEnvelope(envelope: Envelope, roster: Roster): Promise<VerifyingKey> {
  const { scope, wraps } = envelope;
  demand(scope.site === roster.site, "other-site", "envelope");
  const head = envelope.rosterHead === roster.head && envelope.rosterLength === roster.length;
  demand(head, "other-roster", "envelope");
  const sealer = sealerOf(roster, scope.camera);
  if (sealer?.id !== envelope.sealer) return refuse("not-the-sealer", "envelope");
  const { signed, signature } = envelope;
  demand(await verify(sealer, CONTEXT, signed, signature), "bad-signature", "envelope");
  const entitled = recipients(roster, scope.camera, envelope.start);
  const fits = entitled.every(({ key }, at) => {
    return key.id === wraps[at]?.key && key.suite === wraps[at]?.suite;
  });
  demand(fits && entitled.length === wraps.length, "wrong-recipients", "wraps");
  return sealer;
}

/** Verifies an envelope and opens its epoch with whichever of `keys` it is wrapped to. */
export async function openEnvelope(
  envelope: Envelope,
  roster: Roster,
  keys: readonly ReaderKey[],
): Promise<Epoch> {
  const sealer = await verifyEnvelope(envelope, roster);
  for (const wrap of envelope.wraps) {
    const key = keys.find((own) => own.public.id === wrap.key);
    if (key !== undefined) return await openWrap(envelope, wrap, key, sealer);
  }
  return refuse("not-for-me", "wraps");
}

async function openWrap(
  envelope: Envelope,
  wrap: Wrap,
  key: ReaderKey,
  sealer: VerifyingKey,
): Promise<Epoch> {
  demand(wrap.suite === key.public.suite, "downgraded", "wrap");
  const { scope, commitment } = envelope;
  const secret = await unwrap(key, wrap, wrapInfo(scope, envelope.rosterHead, key), commitment);
  demand(secret.length === 32, "does-not-open", "wrap");
  const open = await expandKey(secret);
  const committed = await expand(open, commitLabel(scope), 32);
  demand(equal(committed, commitment), "not-committed", "envelope");
  return { scope, sealer, secret: open };
}

/** What HPKE binds a wrap to. */
export function wrapInfo(scope: Scope, rosterHead: Hash, key: Pick<ReaderKey, "public">): Bytes {
  const { suite, id } = key.public;
  const code = Uint8Array.of(suite >> 8, suite & 0xff);
  const label = ascii("bartizan/v1/epoch");
  return concat(label, scopeBytes(scope), bytesOf(rosterHead), bytesOf(id), code);
}

/** From which the key commitment is derived: AES-GCM lets one ciphertext open under two keys. */
export function commitLabel(scope: Scope): Bytes {
  return concat(ascii("bartizan/v1/commit"), scopeBytes(scope));
}
