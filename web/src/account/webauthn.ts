// The two ceremonies of WebAuthn with the PRF extension (Level 3 §10.1.4), from and to the JSON of its §5.1.8
// and §5.1.9. What goes to the gateway is built here member by member: a PRF output is never part of it. What comes from it
// is a challenge, names and lists of credentials; what a passkey has to be is decided here.

import { fromBase64Url, toBase64Url } from "../api/base64.ts";
import { ApiProblem } from "../api/problem.ts";
import type { Bytes } from "../domain/bytes.ts";
import type { MemberId } from "../domain/id.ts";
import { bytesOf } from "../domain/id.ts";
import type { Environment } from "./environment.ts";
import { AccountError } from "./errors.ts";
import { prfSalt, SECRET_LEN } from "./locks.ts";
import { sabotaged, TEST_BUILD } from "./sabotage.ts";

/** How long a person has for a ceremony, in milliseconds; the gateway's own limit is five minutes. */
const TIMEOUT_MS = 120_000;

/** ES256, EdDSA (RFC 9053 §2) and RS256 (RFC 8812 §2), as the gateway verifies them. */
const ALGORITHMS = [-7, -8, -257];

/** Credentials that are excluded or allowed in one ceremony. */
const MAX_LISTED = 64;

/** Ways to an authenticator (Level 3 §5.8.4); others are left out. */
const TRANSPORTS = new Set(["usb", "nfc", "ble", "smart-card", "hybrid", "internal"]);

/** An authenticator's answer. */
export interface Answer {
  /** Credential id as base64url. */
  readonly credential: string;
  /** For the gateway. */
  readonly json: CredentialJson;
  /** 32 secret bytes, the same for this passkey every time; `null` when the authenticator gives none. */
  readonly prf: Bytes | null;
  /** Whether the authenticator says that it can give them, at an assertion if not now. */
  readonly prfEnabled: boolean;
}

/** A credential as JSON. */
export interface CredentialJson {
  readonly id: string;
  readonly rawId: string;
  readonly type: "public-key";
  readonly authenticatorAttachment?: string;
  readonly clientExtensionResults: Record<string, never>;
  readonly response: { readonly [member: string]: string | string[] };
}

/** One ceremony at a time: a new one ends the one before, as browsers want it. */
let running: AbortController | null = null;

/** Makes a passkey of `member`, discoverable and with user verification. */
export async function createPasskey(
  environment: Environment,
  options: PublicKeyCredentialCreationOptionsJSON,
  member: MemberId,
): Promise<Answer> {
  const { excludeCredentials, user, rp, challenge } = options;
  const rpId = requireHost(environment, rp.id);
  const isMine = user.id === toBase64Url(bytesOf(member));
  if (!isMine && !(TEST_BUILD && sabotaged("M-7"))) throw new AccountError("passkey-not-yours");
  const publicKey: PublicKeyCredentialCreationOptions = {
    rp: { id: rpId, name: String(rp.name) },
    user: {
      id: bytesOf(member),
      name: String(user.name),
      displayName: String(user.displayName),
    },
    challenge: decoded(challenge),
    pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: "public-key", alg })),
    timeout: TIMEOUT_MS,
    excludeCredentials: descriptors(excludeCredentials),
    authenticatorSelection: {
      residentKey: "required",
      requireResidentKey: true,
      userVerification: "required",
    },
    attestation: "none",
    extensions: await prfExtension(),
    ...bent(options),
  };
  const credential = await perform(environment, (authenticators, signal) =>
    authenticators.create({ publicKey, signal }),
  );
  const response = credential.response as AuthenticatorAttestationResponse;
  return answered(credential, {
    clientDataJSON: encoded(response.clientDataJSON),
    attestationObject: encoded(response.attestationObject),
    transports: response.getTransports?.() ?? [],
  });
}

/** Asks for one of the passkeys that `options` allow. */
export async function usePasskey(
  environment: Environment,
  options: PublicKeyCredentialRequestOptionsJSON,
): Promise<Answer> {
  const { allowCredentials, rpId, challenge } = options;
  const publicKey: PublicKeyCredentialRequestOptions = {
    rpId: requireHost(environment, rpId),
    challenge: decoded(challenge),
    timeout: TIMEOUT_MS,
    allowCredentials: descriptors(allowCredentials),
    userVerification: "required",
    extensions: await prfExtension(),
    ...bent(options),
  };
  const credential = await perform(environment, (authenticators, signal) =>
    authenticators.get({ publicKey, signal }),
  );
  const response = credential.response as AuthenticatorAssertionResponse;
  const { userHandle } = response;
  return answered(credential, {
    clientDataJSON: encoded(response.clientDataJSON),
    authenticatorData: encoded(response.authenticatorData),
    signature: encoded(response.signature),
    ...(userHandle ? { userHandle: encoded(userHandle) } : {}),
  });
}

/** Options for a ceremony without the gateway: nobody looks at its signature, only its PRF output counts. */
export function localOptions(
  rpId: string,
  credentials: readonly string[],
): PublicKeyCredentialRequestOptionsJSON {
  return {
    challenge: toBase64Url(crypto.getRandomValues(new Uint8Array(32))),
    rpId,
    allowCredentials: credentials.map((id) => ({ id, type: "public-key" })),
  };
}

/** What the gateway says about names, as an error of the account. */
export function namesMissing(error: unknown): unknown {
  const unnamed = error instanceof ApiProblem && error.is("passkey-needs-name");
  if (!unnamed) return error;
  const named = /https?:\/\/[^\s]+/.exec(error.detail)?.[0];
  const origins = named === undefined || !URL.canParse(named) ? error.origins : [named];
  return new AccountError("needs-name", { origins, cause: error });
}

async function perform(
  { authenticators }: Environment,
  ceremony: (from: CredentialsContainer, signal: AbortSignal) => Promise<Credential | null>,
): Promise<PublicKeyCredential> {
  if (authenticators === null) throw new AccountError("passkeys-missing");
  running?.abort();
  running = new AbortController();
  try {
    const credential = await ceremony(authenticators as CredentialsContainer, running.signal);
    if (credential === null) throw new AccountError("passkey-cancelled");
    return credential as PublicKeyCredential;
  } catch (error) {
    throw translated(error);
  }
}

/** WebAuthn Level 3 §5.1.3 and §5.1.4, by the name of the error. */
function translated(cause: unknown): unknown {
  switch (cause instanceof Error ? cause.name : "") {
    case "NotAllowedError":
    case "AbortError":
      return new AccountError("passkey-cancelled", { cause });
    case "SecurityError":
      return new AccountError("needs-name", { cause });
    case "NotSupportedError":
    case "ConstraintError":
    case "UnknownError":
      return new AccountError("passkey-unsuitable", { cause });
    default:
      return cause;
  }
}

/** Whether the authenticator holds a passkey of this account already (§5.1.3: `InvalidStateError`). */
export function isThereAlready(error: unknown): boolean {
  return error instanceof Error && error.name === "InvalidStateError";
}

function answered(
  credential: PublicKeyCredential,
  response: { readonly [member: string]: string | string[] },
): Answer {
  const id = encoded(credential.rawId);
  const { prf } = credential.getClientExtensionResults();
  const output = prf?.results?.first;
  const bytes = output === undefined ? null : copied(output);
  const { authenticatorAttachment } = credential;
  return {
    credential: id,
    json: {
      id,
      rawId: id,
      type: "public-key",
      ...(authenticatorAttachment ? { authenticatorAttachment } : {}),
      clientExtensionResults: {},
      response,
    },
    prf: bytes?.length === SECRET_LEN ? bytes : null,
    prfEnabled: bytes !== null || prf?.enabled === true,
  };
}

/** The one name that a passkey of this page can belong to: the host that the page came from. */
function requireHost({ origin }: Environment, rpId: string | undefined): string {
  const { hostname } = new URL(origin);
  if (rpId === hostname || (TEST_BUILD && sabotaged("M-7"))) return hostname;
  throw new AccountError("passkey-not-yours");
}

/** With the control off: takes from the gateway what it may not decide. */
function bent(options: object): object {
  if (!TEST_BUILD || !sabotaged("M-7")) return {};
  const kept = ["timeout", "userVerification", "authenticatorSelection", "attestation"];
  return Object.fromEntries(Object.entries(options).filter(([name]) => kept.includes(name)));
}

async function prfExtension(): Promise<AuthenticationExtensionsClientInputs> {
  return { prf: { eval: { first: await prfSalt() } } };
}

function descriptors(
  listed: readonly PublicKeyCredentialDescriptorJSON[] | undefined,
): PublicKeyCredentialDescriptor[] {
  return (listed ?? []).slice(0, MAX_LISTED).map(({ id, transports }) => {
    const known = (transports ?? []).filter((name) => TRANSPORTS.has(name));
    const ways = known.length > 0 ? { transports: known as AuthenticatorTransport[] } : {};
    return { type: "public-key", id: decoded(id), ...ways };
  });
}

function decoded(text: string): Bytes {
  const bytes = fromBase64Url(text);
  if (bytes === null) throw new AccountError("passkey-unsuitable");
  return bytes;
}

function encoded(buffer: ArrayBuffer): string {
  return toBase64Url(new Uint8Array(buffer));
}

function copied(source: BufferSource): Bytes {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  return new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice();
}
