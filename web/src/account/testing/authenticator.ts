// A software authenticator for tests: `create` and `get` of WebAuthn Level 3 with ES256, attestation "none", user
// verification and, when it is told to, the PRF extension. It keeps its keys in memory and asks nobody.

import { toBase64Url } from "../../api/base64.ts";
import type { Bytes } from "../../domain/bytes.ts";
import { ascii, concat, sha256 } from "../../domain/bytes.ts";

/** When PRF outputs are given. */
export type PrfSupport = "at-creation" | "at-use" | "never";

interface Held {
  readonly id: Bytes;
  readonly rpId: string;
  readonly user: Bytes;
  readonly pair: CryptoKeyPair;
  readonly prf: CryptoKey;
  counter: number;
}

const SIGNING = { name: "ECDSA", hash: "SHA-256" };

const failing = (name: string): Error => new DOMException("refused", name);

/** One authenticator: what a person has in the hand. Several browsers may share it, as synced passkeys do. */
export class SoftAuthenticator {
  readonly #prf: PrfSupport;
  readonly held: Held[] = [];
  /** What the person does at the next ceremony. */
  refuses = false;

  constructor(prf: PrfSupport) {
    this.#prf = prf;
  }

  /** The authenticator as a page of `origin` sees it. */
  at(origin: string): Pick<CredentialsContainer, "create" | "get"> {
    return {
      create: (options) => this.#create(origin, options?.publicKey),
      get: (options) => this.#get(origin, options?.publicKey),
    };
  }

  async #create(origin: string, options?: PublicKeyCredentialCreationOptions) {
    const rpId = this.#admit(origin, options?.rp.id);
    if (options === undefined) throw failing("NotSupportedError");
    const excluded = (options.excludeCredentials ?? []).map(({ id }) => toBase64Url(view(id)));
    if (this.#of(rpId).some(({ id }) => excluded.includes(toBase64Url(id)))) {
      throw failing("InvalidStateError");
    }
    const ecdsa = { name: "ECDSA", namedCurve: "P-256" };
    const hmac = { name: "HMAC", hash: "SHA-256", length: 256 };
    const held: Held = {
      id: crypto.getRandomValues(new Uint8Array(32)),
      rpId,
      user: view(options.user.id).slice(),
      pair: await crypto.subtle.generateKey(ecdsa, false, ["sign", "verify"]),
      prf: await crypto.subtle.generateKey(hmac, false, ["sign"]),
      counter: 0,
    };
    this.held.push(held);
    const point = new Uint8Array(await crypto.subtle.exportKey("raw", held.pair.publicKey));
    const key = concat(
      Uint8Array.of(0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32),
      ...[point.subarray(1, 33), Uint8Array.of(0x22, 0x58, 32), point.subarray(33)],
    );
    const length = Uint8Array.of(0, held.id.length);
    const attested = concat(new Uint8Array(16), length, held.id, key);
    const data = await authenticatorData(rpId, 0x45, held.counter, attested);
    const client = clientData("webauthn.create", options.challenge, origin);
    const now = this.#prf === "at-creation" ? await this.#evaluate(held, options.extensions) : {};
    return credential(
      held.id,
      {
        clientDataJSON: client.buffer,
        attestationObject: attestation(data).buffer,
        getTransports: () => ["internal"],
      },
      { prf: { enabled: this.#prf !== "never", ...now } },
    );
  }

  async #get(origin: string, options?: PublicKeyCredentialRequestOptions) {
    const rpId = this.#admit(origin, options?.rpId);
    if (options === undefined) throw failing("NotSupportedError");
    const allowed = (options.allowCredentials ?? []).map(({ id }) => toBase64Url(view(id)));
    const fits = ({ id }: Held) => allowed.length === 0 || allowed.includes(toBase64Url(id));
    const held = this.#of(rpId).filter(fits).at(-1);
    if (held === undefined) throw failing("NotAllowedError");
    held.counter += 1;
    const data = await authenticatorData(rpId, 0x05, held.counter, new Uint8Array());
    const client = clientData("webauthn.get", options.challenge, origin);
    const signed = concat(data, await sha256(client));
    const raw = new Uint8Array(await crypto.subtle.sign(SIGNING, held.pair.privateKey, signed));
    const results = this.#prf === "never" ? {} : await this.#evaluate(held, options.extensions);
    const response = {
      clientDataJSON: client.buffer,
      authenticatorData: data.buffer,
      signature: der(raw).buffer,
      userHandle: held.user.slice().buffer,
    };
    return credential(held.id, response, this.#prf === "never" ? {} : { prf: results });
  }

  #of(rpId: string): Held[] {
    return this.held.filter((held) => held.rpId === rpId);
  }

  #admit(origin: string, wanted?: string): string {
    if (this.refuses) throw failing("NotAllowedError");
    const { hostname } = new URL(origin);
    const isName = !/^[\d.]+$|^\[/.test(hostname);
    if (!isName || (wanted ?? hostname) !== hostname) throw failing("SecurityError");
    return hostname;
  }

  // WebAuthn Level 3 §10.1.4
  async #evaluate(held: Held, extensions?: AuthenticationExtensionsClientInputs) {
    const first = extensions?.prf?.eval?.first;
    if (first === undefined) return {};
    const salt = await sha256(ascii("WebAuthn PRF\0"), view(first));
    return { results: { first: await crypto.subtle.sign("HMAC", held.prf, salt) } };
  }
}

function credential(id: Bytes, response: object, extensions: object): PublicKeyCredential {
  return {
    id: toBase64Url(id),
    rawId: id.slice().buffer,
    type: "public-key",
    authenticatorAttachment: "platform",
    response,
    getClientExtensionResults: () => extensions,
    toJSON: () => {
      throw new Error("the app writes its own JSON");
    },
  } as unknown as PublicKeyCredential;
}

function clientData(type: string, challenge: BufferSource, origin: string): Bytes {
  const said = { type, challenge: toBase64Url(view(challenge)), origin, crossOrigin: false };
  return ascii(JSON.stringify(said));
}

async function authenticatorData(
  rpId: string,
  flags: number,
  counter: number,
  attested: Bytes,
): Promise<Bytes> {
  const count = new Uint8Array(4);
  new DataView(count.buffer).setUint32(0, counter);
  return concat(await sha256(ascii(rpId)), Uint8Array.of(flags), count, attested);
}

/** CBOR: `{"fmt": "none", "attStmt": {}, "authData": data}`. */
function attestation(data: Bytes): Bytes {
  const text = (value: string) => concat(Uint8Array.of(0x60 | value.length), ascii(value));
  return concat(
    Uint8Array.of(0xa3),
    ...[text("fmt"), text("none"), text("attStmt"), Uint8Array.of(0xa0), text("authData")],
    ...[Uint8Array.of(0x58, data.length), data],
  );
}

/** `r ‖ s` as in ASN.1 (RFC 3279 §2.2.3). */
function der(raw: Bytes): Bytes {
  const integer = (bytes: Bytes) => {
    const first = bytes.findIndex((byte) => byte !== 0);
    const short = bytes.subarray(first < 0 ? 31 : first);
    const padded = (short[0] ?? 0) >= 0x80 ? concat(Uint8Array.of(0), short) : short.slice();
    return concat(Uint8Array.of(2, padded.length), padded);
  };
  const both = concat(integer(raw.slice(0, 32)), integer(raw.slice(32)));
  return concat(Uint8Array.of(0x30, both.length), both);
}

function view(source: BufferSource): Bytes {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  return new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice();
}
