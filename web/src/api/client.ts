// The app's one way to the gateway: requests with the device's token and proof (DPoP), retried once when the
// gateway asks for its nonce (RFC 9449 §9) and for nothing else. It runs in the page and in workers and keeps
// no answer. What answers mean is `documents.ts`.

import type { Bytes } from "../domain/bytes.ts";
import { json, spanOf } from "./answers.ts";
import { readBody } from "./body.ts";
import type { LiveTicket } from "./documents.ts";
import { Prover } from "./dpop.ts";
import { ApiProblem, notUnderstood, offline, problemOf, timedOut } from "./problem.ts";

export { ApiProblem } from "./problem.ts";

/** What all paths begin with. */
const PREFIX = "/api/v1";

/** How long the head of an answer may take, in milliseconds: longer than the gateway gives itself. */
export const ANSWER_MS = 35_000;

/** How long a camera's connection test may take, in milliseconds. */
export const PROBE_MS = 45_000;

/** Most sealed bytes that one call of `bytes` gives. */
export const MAX_BYTES = 64 * 1024 * 1024;

/** Longest nonce in characters that is kept. */
const MAX_NONCE = 256;

/** The last nonce of each gateway: good for every key, so clients of one page or worker share it. */
const nonces = new Map<string, string>();

/** All that a client is made of; it can be sent to a worker. */
export interface ClientSeed {
  /** Scheme, host and port of the gateway: the page's own origin. */
  readonly origin: string;
  readonly token: string;
  readonly device: CryptoKeyPair;
  /** The gateway's last nonce, which spares the first request a second try. */
  readonly nonce?: string | null;
}

/** `start` to just before `end`, in bytes. */
export interface ByteSpan {
  readonly start: number;
  readonly end: number;
}

/** Methods that carry a document. */
export type SendMethod = "POST" | "PUT" | "PATCH" | "DELETE";

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly span?: ByteSpan | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly accept: string;
}

/** Calls the API as one device. Calls run side by side. */
export class Client {
  readonly #origin: string;
  readonly #device: CryptoKeyPair | null;
  readonly #prover: Prover | null;
  #token: string | null;
  /** Called when the gateway says that it does not know this device (any more): see `signedOut`. */
  onSignedOut: (() => void) | null = null;

  constructor(
    seed: ClientSeed | { readonly origin: string; readonly device: CryptoKeyPair | null },
  ) {
    this.#origin = seed.origin;
    this.#device = seed.device;
    this.#prover = seed.device === null ? null : new Prover(seed.device);
    this.#token = "token" in seed ? seed.token : null;
    if ("nonce" in seed && seed.nonce && !nonces.has(seed.origin)) {
      nonces.set(seed.origin, seed.nonce);
    }
  }

  /** For workers: they make a client of their own. Throws when nobody is signed in. */
  get seed(): ClientSeed {
    if (this.#token === null || this.#device === null) throw new Error("nobody is signed in");
    return {
      origin: this.#origin,
      token: this.#token,
      device: this.#device,
      nonce: this.#nonce,
    };
  }

  /** Scheme, host and port of the gateway. */
  get origin(): string {
    return this.#origin;
  }

  /** The gateway does not know this device (any more), as a call or a worker's client found out. */
  signedOut(): void {
    if (this.#token !== null) this.onSignedOut?.();
  }

  /** Lets go of the token: every later call fails as nobody's. */
  close(): void {
    this.#token = null;
  }

  /** Asks for a document. */
  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return await this.#document<T>({ method: "GET", path, signal, accept: "application/json" });
  }

  /** Sends a document; gives the answer's, `undefined` when there is none. */
  async send<T>(
    method: SendMethod,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
  ): Promise<T> {
    return await this.#document<T>({ method, path, body, signal, accept: "application/json" });
  }

  /**
   * Sealed bytes. With a `span` they begin at its start; they end at its end, or before when the gateway
   * has not more yet. At most 64 MiB.
   */
  async bytes(path: string, span?: ByteSpan, signal?: AbortSignal): Promise<Bytes> {
    const response = await this.#sealed(path, span, signal);
    const given = span && spanOf(response, span);
    const limit = Math.min(MAX_BYTES, given ? given.end - given.start : MAX_BYTES);
    const bytes = await readBody(response, limit);
    if (given && bytes.length !== limit) throw notUnderstood(206, "The recording was cut short.");
    return bytes;
  }

  /** As `bytes`, as it arrives and of any length. Cancel it or abort `signal` to end it. */
  async stream(
    path: string,
    span?: ByteSpan,
    signal?: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#sealed(path, span, signal);
    if (span) spanOf(response, span);
    if (response.body === null) throw notUnderstood(response.status, "The answer has no bytes.");
    return response.body;
  }

  /** Asks for a ticket; gives the address at which one WebSocket may be opened within 30 seconds. */
  async openLive(camera: string, rendition: "main" | "sub", signal?: AbortSignal): Promise<string> {
    const path = `/cameras/${camera}/live`;
    const { ticket } = await this.send<LiveTicket>("POST", path, { rendition }, signal);
    const url = new URL(`${PREFIX}/live`, this.#origin);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("ticket", ticket);
    return url.href;
  }

  async #document<T>(call: Call): Promise<T> {
    const response = await this.#call(call);
    if (response.status === 204) return undefined as T;
    return (await json(response)) as T;
  }

  async #sealed(path: string, span?: ByteSpan, signal?: AbortSignal): Promise<Response> {
    const accept = "application/octet-stream";
    const response = await this.#call({ method: "GET", path, span, signal, accept });
    if (response.status === (span ? 206 : 200)) return response;
    await response.body?.cancel();
    throw notUnderstood(response.status, "Sealed bytes were expected.");
  }

  /** Sends a request, and once more when the gateway asks for its nonce; gives successes only. */
  async #call(call: Call): Promise<Response> {
    const first = await this.#once(call);
    if (first.ok) return first;
    const problem = problemOf(first, await json(first).catch(() => null));
    if (problem.challenge !== "use_dpop_nonce") throw this.#told(problem);
    const second = await this.#once(call);
    if (second.ok) return second;
    throw this.#told(problemOf(second, await json(second).catch(() => null)));
  }

  #told(problem: ApiProblem): ApiProblem {
    if (problem.signedOut) this.signedOut();
    return problem;
  }

  async #once(call: Call): Promise<Response> {
    const url = `${this.#origin}${PREFIX}${call.path}`;
    const headers = await this.#headers(call, url);
    const slow = call.path.includes("/test") ? PROBE_MS : ANSWER_MS;
    const head = new AbortController();
    const timer = setTimeout(() => head.abort(timedOut()), slow);
    const signal = call.signal ? AbortSignal.any([head.signal, call.signal]) : head.signal;
    try {
      const response = await fetch(url, {
        method: call.method,
        headers,
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
        signal,
        ...FETCH,
      });
      this.#keepNonce(response.headers.get("dpop-nonce"));
      return response;
    } catch (error) {
      throw error instanceof TypeError ? offline(error) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #headers(call: Call, url: string): Promise<Headers> {
    const headers = new Headers({ accept: call.accept });
    if (call.body !== undefined) headers.set("content-type", "application/json");
    if (call.span) headers.set("range", `bytes=${call.span.start}-${call.span.end - 1}`);
    const [token, nonce] = [this.#token, this.#nonce];
    if (this.#prover !== null) {
      const { method } = call;
      headers.set("dpop", await this.#prover.proof({ method, url, nonce, token }));
    }
    if (token !== null) headers.set("authorization", `DPoP ${token}`);
    return headers;
  }

  get #nonce(): string | null {
    return nonces.get(this.#origin) ?? null;
  }

  #keepNonce(nonce: string | null): void {
    if (nonce !== null && nonce.length <= MAX_NONCE) nonces.set(this.#origin, nonce);
  }
}

/** Nothing is kept, no cookie goes along, and nobody sends us elsewhere. */
const FETCH = {
  cache: "no-store",
  credentials: "omit",
  redirect: "error",
  referrerPolicy: "no-referrer",
} as const satisfies RequestInit;

/** Whether an error means that the gateway cannot be reached right now. */
export function isOffline(error: unknown): boolean {
  return error instanceof ApiProblem && (error.is("offline") || error.is("timeout"));
}
