// A small household for tests: keys from one-byte seeds, a roster, and a sealer that writes streams as
// docs/sealed-stream.md says. It shares only the byte writer and HPKE with the reader under test.

import type { Bytes } from "../../domain/bytes.ts";
import { ascii, concat } from "../../domain/bytes.ts";
import type {
  CameraId,
  DeviceId,
  EpochId,
  Fingerprint,
  Hash,
  MemberId,
  SiteId,
} from "../../domain/id.ts";
import { bytesOf, idOf } from "../../domain/id.ts";
import type { SigningKey } from "../../identity/key.ts";
import { signingKeyFromSeed } from "../../identity/key.ts";
import type { ReaderKey, SuiteCode } from "../../identity/reader.ts";
import { readerKeyFromSeed } from "../../identity/reader.ts";
import type { Operation } from "../../identity/roster/operation.ts";
import type { Place } from "../../identity/roster/statement.ts";
import { signStatement } from "../../identity/roster/statement.ts";
import { RosterHistory } from "../roster.ts";
import type { Scope } from "../scope.ts";

export const NOW = 1_000_000n;

export const filled = (byte: number, length: number): Bytes => new Uint8Array(length).fill(byte);
export const siteOf = (byte: number) => idOf<SiteId>(filled(byte, 16));
export const cameraOf = (byte: number) => idOf<CameraId>(filled(byte, 16));
export const memberOf = (byte: number) => idOf<MemberId>(filled(byte, 16));
export const deviceOf = (byte: number) => idOf<DeviceId>(filled(byte, 16));
export const epochOf = (byte: number) => idOf<EpochId>(filled(byte, 16));
export const thumbprintOf = (byte: number) => idOf<Fingerprint>(filled(byte, 32));
export const ZERO = idOf<Hash>(filled(0, 32));

/** The signing key of seed `byte` × 32. */
export const keyOf = (byte: number): Promise<SigningKey> => signingKeyFromSeed(filled(byte, 32));

/** The reader key of seed `byte` × 32: X-Wing for 1 (the owner), else X25519. */
export function readerOf(byte: number): Promise<ReaderKey> {
  const suite: SuiteCode = byte === 1 ? 0x647a : 0x0020;
  return readerKeyFromSeed(suite, filled(byte, 32));
}

export const SITE = siteOf(1);
export const OWNER = memberOf(2);
export const CAMERA = cameraOf(2);
export const SCOPE: Scope = { site: SITE, camera: CAMERA, epoch: epochOf(3) };

/** The genesis operation: owner 1, recovery 2, gateway 3, sealer 4. */
export async function genesisOperation(): Promise<Operation> {
  const [owner, recovery, gateway, sealer] = await Promise.all([1, 2, 3, 4].map(keyOf));
  const [reader, recoveryReader] = await Promise.all([readerOf(1), readerOf(2)]);
  return {
    kind: "genesis",
    owner: OWNER,
    identity: owner!.public,
    reader: reader.public,
    device: deviceOf(1),
    thumbprint: thumbprintOf(1),
    recoveryIdentity: recovery!.public,
    recoveryReader: recoveryReader.public,
    gateway: gateway!.public,
    sealer: sealer!.public,
  };
}

export async function genesisStatement() {
  const place: Place = { site: SITE, sequence: 0n, previous: ZERO };
  return signStatement(await keyOf(1), place, NOW, await genesisOperation());
}

/** A household whose camera is sealed by sealer 4. */
export async function household(): Promise<RosterHistory> {
  const first = await genesisStatement();
  const history = await RosterHistory.begin(first, first.hash);
  const sealer = (await keyOf(4)).public.id;
  await addBy(history, 1, { kind: "add-camera", camera: CAMERA, sealer });
  return history;
}

/** Signs `operation` with key `author` and adds it. */
export async function addBy(
  history: RosterHistory,
  author: number,
  operation: Operation,
  time = NOW,
): Promise<void> {
  const { site, length, head } = history.current;
  const place: Place = { site, sequence: length, previous: head };
  await history.add(await signStatement(await keyOf(author), place, time, operation));
}

/** HKDF-Expand for up to 32 bytes, apart from the code under test: WebCrypto's HMAC, one block. */
export async function expandOnce(secret: Bytes, info: Bytes): Promise<Bytes> {
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", secret.slice(), hmac, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, concat(info, filled(1, 1))));
}

/** `label ‖ site ‖ camera ‖ epoch ‖ more`. */
export function scoped(label: string, scope: Scope, ...more: Bytes[]): Bytes {
  const ids = [scope.site, scope.camera, scope.epoch].map(bytesOf);
  return concat(ascii(label), ...ids, ...more);
}
