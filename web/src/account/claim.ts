// Claiming a new gateway, in two steps: the words are on paper before anything is sent, so there is no moment at
// which the household exists without them. The gateway is believed only as far as the link's fingerprints reach,
// and the claim only once the sealer has signed the very roster that was made here.

import { fromBase64Url, toBase64Url } from "../api/base64.ts";
import { ApiProblem } from "../api/client.ts";
import type { ClaimOffer, SessionDocument, SourceSettings } from "../api/documents.ts";
import { generateDeviceKey, thumbprintOf } from "../api/dpop.ts";
import type { Bytes } from "../domain/bytes.ts";
import { concat, ZERO_HASH } from "../domain/bytes.ts";
import type { DeviceId, Fingerprint, Hash, MemberId, SiteId } from "../domain/id.ts";
import { bytesOf, idOf } from "../domain/id.ts";
import type { VerifyingKey } from "../identity/key.ts";
import { fingerprint, SIGNATURE_LEN, verify, verifyingKey } from "../identity/key.ts";
import type { KeystoreSeeds } from "../identity/keystore.ts";
import { lockKeystore, relockKeystore, unlockKeystore } from "../identity/keystore.ts";
import { recoveryKey, WORD_COUNT, wordsOf } from "../identity/recovery.ts";
import { begin } from "../identity/roster/rules.ts";
import type { Statement } from "../identity/roster/statement.ts";
import { signStatement } from "../identity/roster/statement.ts";
import type { Environment } from "./environment.ts";
import { doorOf } from "./environment.ts";
import { AccountError } from "./errors.ts";
import { parseClaimLink, requireOwn } from "./link.ts";
import { parseName } from "./name.ts";
import { sabotaged, TEST_BUILD } from "./sabotage.ts";
import type { Vault } from "./vault.ts";
import { newVault } from "./vault.ts";

/** The sealer's statement that it pinned a roster: `context ‖ genesis ‖ head`. */
const PINNED_CONTEXT = "bartizan/v1/pinned";

/** Words that are asked for again. */
const ASKED_WORDS = 3;

const X_WING = 0x647a;

/** A claim that is ready to be sent. It lives in this page only. */
export interface PreparedClaim {
  /** The 24 words, to be shown once. */
  readonly words: readonly string[];
  /** Places (from 1, ascending) of the words to be asked for before the claim is sent. */
  readonly places: readonly number[];
  /** What is sent; of no use to views. */
  readonly made: Made;
}

/** What the owner says. */
export interface ClaimAnswers {
  /** The words at `places`, as typed. */
  readonly words: readonly string[];
  /** The owner's name. */
  readonly name: string;
  readonly deviceName: string;
}

/** The keys of a new household. */
export interface Made {
  readonly token: Bytes;
  readonly offer: Offer;
  readonly member: MemberId;
  readonly device: DeviceId;
  readonly deviceKey: CryptoKeyPair;
  readonly genesis: Statement;
  /** Locked with the words. */
  readonly keystore: Bytes;
  readonly lock: CryptoKey;
}

interface Offer {
  readonly site: SiteId;
  readonly gateway: VerifyingKey;
  readonly sealer: VerifyingKey;
}

/** Recognises the gateway of `link`, and makes the household's keys. */
export async function prepareClaim(environment: Environment, text: string): Promise<PreparedClaim> {
  const link = parseClaimLink(text);
  requireOwn(link, environment.origin);
  const door = doorOf(environment);
  const body = { token: toBase64Url(link.token) };
  const said = await door.send<ClaimOffer>("POST", "/claim/offer", body).catch(notOffered);
  const offer = {
    site: said.site,
    gateway: await recognised(said.gateway, link.gateway),
    sealer: await recognised(said.sealer, link.sealer),
  };
  const entropy = random(32);
  const words = await wordsOf(entropy);
  return { words, places: somePlaces(), made: await makeHousehold(link.token, offer, entropy) };
}

/** Sends the claim and checks what came of it. */
export async function finishClaim(
  environment: Environment,
  { words, places, made }: PreparedClaim,
  answers: ClaimAnswers,
): Promise<{ vault: Vault; suggested: readonly SourceSettings[] }> {
  const typed = answers.words.map((word) => word.trim().toLowerCase());
  const confirmed = places.every((place, at) => typed[at] === words[place - 1]);
  if (!confirmed) throw new AccountError("words-not-confirmed");
  const door = doorOf(environment, made.deviceKey);
  const body = {
    token: toBase64Url(made.token),
    genesis: toBase64Url(made.genesis.bytes),
    recoveryKeystore: toBase64Url(made.keystore),
    name: parseName(answers.name),
    deviceName: parseName(answers.deviceName),
  };
  const session = await door.send<SessionDocument>("POST", "/claim", body).catch(notTaken);
  await checkClaimed(session, made);
  const { token, expiresMs, suggested } = session;
  const owner = { site: made.offer.site, member: made.member, device: made.device };
  const vault = await newVault(environment.store, owner, {
    deviceKey: made.deviceKey,
    token: { token, expiresMs },
    roster: { genesis: made.genesis.hash, statements: [made.genesis.bytes] },
    lockKeystore: (storeKey) => relockKeystore(made.keystore, made.lock, storeKey),
  });
  return { vault, suggested: suggested ?? [] };
}

async function recognised(text: string, known: Fingerprint): Promise<VerifyingKey> {
  const bytes = fromBase64Url(text);
  if (bytes?.length !== 32) throw new AccountError("other-gateway");
  const isKnown = (await fingerprint(bytes)) === known;
  if (!isKnown && !(TEST_BUILD && sabotaged("L-6"))) throw new AccountError("other-gateway");
  return await verifyingKey(bytes);
}

async function makeHousehold(token: Bytes, offer: Offer, entropy: Bytes): Promise<Made> {
  const recovery = await recoveryKey(entropy);
  const member = idOf<MemberId>(random(16));
  const device = idOf<DeviceId>(random(16));
  const seeds: KeystoreSeeds = {
    ...{ site: offer.site, member, identity: random(32) },
    readers: [{ suite: X_WING, seed: random(32) }],
  };
  const lock = await recovery.lock();
  const locked = await lockKeystore(seeds, lock);
  for (const seed of [seeds.identity, ...seeds.readers.map(({ seed }) => seed)]) seed.fill(0);
  const keystore = await unlockKeystore(locked, lock);
  const deviceKey = await generateDeviceKey();
  const [reader] = keystore.readers;
  if (reader === undefined) throw new RangeError("the store was made with one reader key");
  const place = { site: offer.site, sequence: 0n, previous: idOf<Hash>(ZERO_HASH) };
  const genesis = await signStatement(keystore.identity, place, BigInt(Date.now()), {
    kind: "genesis",
    owner: member,
    identity: keystore.identity.public,
    reader: reader.public,
    device,
    thumbprint: await thumbprintOf(deviceKey),
    recoveryIdentity: (await recovery.identity()).public,
    recoveryReader: (await recovery.reader()).public,
    gateway: offer.gateway,
    sealer: offer.sealer,
  });
  await begin(genesis);
  return { token, offer, member, device, deviceKey, genesis, keystore: locked, lock };
}

/** The answer is for us, and the sealer has pinned the roster that we made. */
async function checkClaimed(session: SessionDocument, made: Made): Promise<void> {
  const isMine =
    session.site === made.offer.site &&
    session.member === made.member &&
    session.device === made.device;
  if (!isMine) throw new AccountError("not-me");
  const genesis = bytesOf(made.genesis.hash);
  const signature = fromBase64Url(session.pinned ?? "");
  const pinned = concat(genesis, genesis);
  const isPinned =
    signature?.length === SIGNATURE_LEN &&
    (await verify(made.offer.sealer, PINNED_CONTEXT, pinned, signature));
  if (!isPinned && !(TEST_BUILD && sabotaged("L-6"))) throw new AccountError("not-pinned");
}

function notOffered(error: unknown): never {
  if (!(error instanceof ApiProblem)) throw error;
  if (error.status === 404) throw new AccountError("not-claimable", { cause: error });
  const refused = error.status === 401 || error.status === 403;
  throw refused ? new AccountError("claim-refused", { cause: error }) : error;
}

/** What the gateway surely refused is told as it is; of anything else nobody knows whether it was taken. */
function notTaken(error: unknown): never {
  const surely = error instanceof ApiProblem && error.status >= 400 && error.status < 500;
  if (surely && error.status !== 404) return notOffered(error);
  throw new AccountError("maybe-claimed", { cause: error });
}

function random(length: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(length));
}

function somePlaces(): number[] {
  const places = new Set<number>();
  while (places.size < ASKED_WORDS) {
    const [byte = 0] = random(1);
    // 240 is a multiple of 24: every place is as likely as any other.
    if (byte < 240) places.add((byte % WORD_COUNT) + 1);
  }
  return [...places].sort((a, b) => a - b);
}
