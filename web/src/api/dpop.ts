// Proofs that a request comes from this device's key (DPoP, RFC 9449), in the one form that the gateway
// takes (`core/access/src/dpop`): ES256, a JWK of four members, no query in the address.

import { ascii, sha256 } from "../domain/bytes.ts";
import type { Fingerprint } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";
import { toBase64Url } from "./base64.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;

/** What a proof is to say. */
export interface ProofRequest {
  readonly method: string;
  /** `scheme://authority/path`; what follows a `?` is left out. */
  readonly url: string;
  /** The gateway's last `dpop-nonce`. */
  readonly nonce: string | null;
  /** The token that the request carries. */
  readonly token: string | null;
}

/** A new device key, whose private half nobody can read. */
export async function generateDeviceKey(): Promise<CryptoKeyPair> {
  return await crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]);
}

/** How the roster names a device key (RFC 7638 §3). */
export async function thumbprintOf(key: CryptoKeyPair): Promise<Fingerprint> {
  return idOf<Fingerprint>(await sha256(ascii(JSON.stringify(await publicJwk(key)))));
}

/** The required members in their canonical order, and no others: the gateway refuses any other. */
async function publicJwk({ publicKey }: CryptoKeyPair) {
  const { x = "", y = "" } = await crypto.subtle.exportKey("jwk", publicKey);
  return { crv: "P-256", kty: "EC", x, y };
}

/** Makes the proofs of one device key. */
export class Prover {
  readonly #key: CryptoKeyPair;
  #header: Promise<string> | null = null;
  #hashed: { token: string; ath: Promise<string> } | null = null;

  constructor(key: CryptoKeyPair) {
    this.#key = key;
  }

  /** The value of a `DPoP` header. */
  async proof({ method, url, nonce, token }: ProofRequest): Promise<string> {
    this.#header ??= headerOf(this.#key);
    const claims = {
      jti: toBase64Url(crypto.getRandomValues(new Uint8Array(16))),
      htm: method,
      htu: url.split("?", 1)[0],
      iat: Math.floor(Date.now() / 1_000),
      ...(nonce === null ? {} : { nonce }),
      ...(token === null ? {} : { ath: await this.#hashOf(token) }),
    };
    const message = `${await this.#header}.${part(claims)}`;
    const signed = await crypto.subtle.sign(SIGNING, this.#key.privateKey, ascii(message));
    return `${message}.${toBase64Url(new Uint8Array(signed))}`;
  }

  #hashOf(token: string): Promise<string> {
    if (this.#hashed?.token !== token) {
      this.#hashed = { token, ath: sha256(ascii(token)).then(toBase64Url) };
    }
    return this.#hashed.ath;
  }
}

async function headerOf(key: CryptoKeyPair): Promise<string> {
  return part({ typ: "dpop+jwt", alg: "ES256", jwk: await publicJwk(key) });
}

function part(value: unknown): string {
  return toBase64Url(ascii(JSON.stringify(value)));
}
