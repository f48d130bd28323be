// A gateway for tests that speaks the documents of the account: claim, sign-in, roster, devices, passkeys. It
// checks proofs (nonce, token, address) and statements as the real one does, and trusts passkeys blindly: judging
// those is the real gateway's work, and tested there.

import { fromBase64Url, toBase64Url } from "../../api/base64.ts";
import type { Bytes } from "../../domain/bytes.ts";
import { ascii, concat, sha256 } from "../../domain/bytes.ts";
import type { DeviceId, Fingerprint, MemberId, SiteId } from "../../domain/id.ts";
import { bytesOf, idOf } from "../../domain/id.ts";
import type { SigningKey } from "../../identity/key.ts";
import { fingerprint, sign, signingKeyFromSeed, verify } from "../../identity/key.ts";
import { decodeStatement } from "../../identity/roster/statement.ts";
import { RosterHistory } from "../../sealed/roster.ts";

/** Members of the documents that are sent. */
type Member =
  | "token"
  | "genesis"
  | "recoveryKeystore"
  | "name"
  | "deviceName"
  | "challenge"
  | "signature"
  | "grant"
  | "statement"
  | "credential"
  | "keystore"
  | "id"
  | "share";
type Json = { readonly [member in Member]?: unknown };

interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Json;
  /** Thumbprint of the key that proved itself. */
  readonly key: Fingerprint | null;
  readonly token: string | null;
}

interface Door {
  readonly device: DeviceId;
  readonly member: MemberId;
  readonly key: Fingerprint;
  readonly name: string;
}

/** A refusal on its way out. */
export class Refusal extends Error {
  readonly status: number;
  readonly type: string;
  readonly challenge: string | null;

  constructor(status: number, type: string, challenge: string | null = null) {
    super(type);
    this.status = status;
    this.type = type;
    this.challenge = challenge;
  }
}

const random = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length));
const text = (value: unknown): string => String(value ?? "");
const bytes = (value: unknown): Bytes => fromBase64Url(text(value)) ?? new Uint8Array();

/** The gateway. Its fields are open: tests bend them. */
export class FakeGateway {
  readonly origin: string;
  readonly site = idOf<SiteId>(random(16));
  readonly claimToken = random(32);
  nonce = "nonce-1";
  history: RosterHistory | null = null;
  statements: Bytes[] = [];
  readonly tokens = new Map<string, Door>();
  readonly passkeys = new Map<string, { name: string; rpId: string; keystore: string | null }>();
  readonly grants = new Map<string, MemberId>();
  /** Where other machines find it. */
  elsewhere: readonly string[] = [];
  readonly invitations = new Map<string, { keystore: string; member: MemberId }>();
  readonly shares = new Map<DeviceId, string>();
  recoveryKeystore = "";
  owner: MemberId | null = null;
  /** Every body that came, for tests that look for what must not be sent. */
  readonly heard: string[] = [];
  /** Refuses by throwing, before anything is done. */
  guard: (path: string) => void = () => undefined;
  /** Bends the answer of one path. */
  bend: (path: string, answer: unknown) => unknown = (_path, answer) => answer;
  #identity: SigningKey | null = null;
  #sealer: SigningKey | null = null;

  constructor(origin = "http://localhost:8440") {
    this.origin = origin;
  }

  async keys(): Promise<{ identity: SigningKey; sealer: SigningKey }> {
    this.#identity ??= await signingKeyFromSeed(random(32));
    this.#sealer ??= await signingKeyFromSeed(random(32));
    return { identity: this.#identity, sealer: this.#sealer };
  }

  async claimLink(): Promise<string> {
    const { identity, sealer } = await this.keys();
    const [g, s] = [identity, sealer].map((key) => fingerprint(key.public.bytes));
    return `${this.origin}/claim#t=${toBase64Url(this.claimToken)}&g=${await g}&s=${await s}`;
  }

  /** Stands for the browser's `fetch`. */
  readonly fetch = async (input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
    const headers = { "dpop-nonce": this.nonce, "content-type": "application/json" };
    try {
      const answer = await this.#answer(new URL(String(input)), init);
      if (answer === undefined) return new Response(null, { status: 204, headers });
      return new Response(JSON.stringify(answer), { status: 200, headers });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, type, challenge } = error;
      const body = { type: `/problems/${type}`, title: type, status, detail: type };
      const asked = challenge ? { "www-authenticate": `DPoP error="${challenge}"` } : {};
      return new Response(JSON.stringify(body), { status, headers: { ...headers, ...asked } });
    }
  };

  async #answer(url: URL, init: RequestInit): Promise<unknown> {
    const sent = typeof init.body === "string" ? init.body : "";
    this.heard.push(sent);
    const method = init.method ?? "GET";
    const path = url.pathname.replace("/api/v1", "");
    const headers = new Headers(init.headers);
    const token = headers.get("authorization")?.replace("DPoP ", "") ?? null;
    const proof = headers.get("dpop");
    const key = proof === null ? null : await this.#proved(proof, method, url, token);
    const body: Json = sent === "" ? {} : JSON.parse(sent);
    this.guard(`${method} ${path}`);
    const call = { method, path, query: url.searchParams, body, key, token };
    return this.bend(`${method} ${path}`, await this.#route(call));
  }

  /** RFC 9449 §4.3, as far as a test needs it. */
  async #proved(proof: string, method: string, url: URL, token: string | null) {
    const [header = "", claims = "", signature = ""] = proof.split(".");
    const parsed = (part: string) => JSON.parse(new TextDecoder().decode(bytes(part)));
    const { jwk, ...rest } = parsed(header);
    const said = parsed(claims);
    const ecdsa = { name: "ECDSA", namedCurve: "P-256" };
    const publicKey = await crypto.subtle.importKey("jwk", jwk, ecdsa, false, ["verify"]);
    const signing = { name: "ECDSA", hash: "SHA-256" };
    const signed = ascii(`${header}.${claims}`);
    const ath = token === null ? undefined : toBase64Url(await sha256(ascii(token)));
    const fits =
      (await crypto.subtle.verify(signing, publicKey, bytes(signature), signed)) &&
      JSON.stringify(rest) === '{"typ":"dpop+jwt","alg":"ES256"}' &&
      Object.keys(jwk).join() === "crv,kty,x,y" &&
      said.htm === method &&
      said.htu === `${this.origin}${url.pathname}` &&
      said.ath === ath;
    if (!fits) throw new Refusal(401, "unauthenticated", "invalid_dpop_proof");
    if (said.nonce !== this.nonce) throw new Refusal(401, "unauthenticated", "use_dpop_nonce");
    return idOf<Fingerprint>(await sha256(ascii(JSON.stringify(jwk))));
  }

  async #route(call: Call): Promise<unknown> {
    const open = OPEN[`${call.method} ${call.path}`];
    if (open !== undefined) return await open(this, call);
    const door = this.#member(call);
    const route = MEMBERS[`${call.method} ${call.path}`];
    if (route !== undefined) return await route(this, call, door);
    if (call.path.startsWith("/devices/")) return await this.append(bytes(call.body.statement));
    if (call.path.startsWith("/passkeys/")) return changePasskey(this, call);
    throw new Refusal(404, "not-found");
  }

  #member({ token, key }: Call): Door {
    const door = token === null ? undefined : this.tokens.get(token);
    const known = door && this.history?.current.devices.has(door.device);
    if (!door || !known) throw new Refusal(401, "unauthenticated", "invalid_token");
    if (door.key !== key) throw new Refusal(401, "unauthenticated", "invalid_dpop_proof");
    return door;
  }

  async append(statement: Bytes): Promise<void> {
    const decoded = await decodeStatement(statement);
    try {
      await this.history?.add(decoded);
    } catch {
      throw new Refusal(409, "precondition");
    }
    this.statements.push(statement);
  }

  issue(door: Door) {
    const token = `bzn_${toBase64Url(random(32))}`;
    this.tokens.set(token, door);
    const { site } = this;
    const expiresMs = Date.now() + 90 * 86_400_000;
    return { site, member: door.member, device: door.device, token, expiresMs };
  }

  /** On the roster now. */
  devicesOf(member: MemberId): Door[] {
    const known = this.history?.current.devices;
    const doors = [...this.tokens.values()];
    return doors.filter((door) => door.member === member && known?.has(door.device));
  }

  welcome(member: MemberId, keystore: string | null) {
    const grant = toBase64Url(random(32));
    this.grants.set(grant, member);
    const statements = this.statements.map(toBase64Url);
    const deviceNames = this.devicesOf(member).map(({ name }) => name);
    const answer = { statements, member, grant, deviceNames };
    return { ...answer, ...(keystore === null ? {} : { keystore }) };
  }
}

type Open = (gateway: FakeGateway, call: Call) => unknown;
type Members = (gateway: FakeGateway, call: Call, door: Door) => unknown;

function ceremony(gateway: FakeGateway, more: object) {
  const challenge = toBase64Url(random(32));
  const rpId = new URL(gateway.origin).hostname;
  return { ceremony: challenge, options: { challenge, timeout: 60_000, ...more, rpId } };
}

const OPEN: { readonly [route: string]: Open } = {
  "POST /claim/offer": async (gateway, { body }) => {
    if (gateway.history !== null) throw new Refusal(404, "not-found");
    if (body.token !== toBase64Url(gateway.claimToken)) throw new Refusal(401, "unauthenticated");
    const { identity, sealer } = await gateway.keys();
    const keys = [identity, sealer].map((key) => toBase64Url(key.public.bytes));
    return { site: gateway.site, gateway: keys[0], sealer: keys[1] };
  },
  "POST /claim": async (gateway, { body, key }) => {
    if (gateway.history !== null) throw new Refusal(404, "not-found");
    const genesis = await decodeStatement(bytes(body.genesis));
    const { operation } = genesis;
    if (operation.kind !== "genesis" || operation.thumbprint !== key) {
      throw new Refusal(422, "unprocessable");
    }
    gateway.history = await RosterHistory.begin(genesis, genesis.hash);
    gateway.statements = [genesis.bytes];
    gateway.recoveryKeystore = text(body.recoveryKeystore);
    gateway.owner = operation.owner;
    const hash = bytesOf(genesis.hash);
    const { sealer } = await gateway.keys();
    const pinned = await sign(sealer, "bartizan/v1/pinned", concat(hash, hash));
    const { owner: member, device } = operation;
    const door = { member, device, key, name: text(body.deviceName) };
    return { ...gateway.issue(door), pinned: toBase64Url(pinned) };
  },
  "POST /sign-in/challenge": () => ({ challenge: toBase64Url(random(40)) }),
  "POST /sign-in/recovery": async (gateway, { body }) => {
    const recovery = gateway.history?.current.recovery.identity;
    const challenge = bytes(body.challenge);
    const signature = bytes(body.signature);
    const signed =
      recovery && (await verify(recovery, "bartizan/v1/sign-in", challenge, signature));
    if (!signed || gateway.owner === null) throw new Refusal(401, "unauthenticated");
    const { member: _, ...rest } = gateway.welcome(gateway.owner, null);
    return { ...rest, recoveryKeystore: gateway.recoveryKeystore };
  },
  "POST /sign-in/device": async (gateway, { body, key }) => {
    const member = gateway.grants.get(text(body.grant));
    gateway.grants.delete(text(body.grant));
    const statement = await decodeStatement(bytes(body.statement));
    const { operation } = statement;
    const fits = operation.kind === "add-device" && operation.member === member;
    if (!fits || operation.thumbprint !== key) throw new Refusal(401, "unauthenticated");
    await gateway.append(statement.bytes);
    const { device } = operation;
    const name = text(body.deviceName);
    return gateway.issue({ device, member: operation.member, key, name });
  },
  "POST /sign-in/passkey/options": (gateway) => ceremony(gateway, { userVerification: "required" }),
  "POST /sign-in/passkey": (gateway, { body }) => {
    const { id } = body.credential as { id: string };
    const passkey = gateway.passkeys.get(id);
    if (passkey === undefined || gateway.owner === null) throw new Refusal(401, "unauthenticated");
    return gateway.welcome(gateway.owner, passkey.keystore);
  },
  "POST /unlock-share": (gateway, { body, key }) => {
    const { id } = body.credential as { id: string };
    const devices = [...(gateway.history?.current.devices ?? [])];
    const device = devices.find(([, { thumbprint }]) => thumbprint === key)?.[0];
    const share = device && gateway.shares.get(device);
    if (!gateway.passkeys.has(id) || !share) throw new Refusal(401, "unauthenticated");
    return { share };
  },
  "POST /sign-in/invitation": (gateway, { body }) => {
    const found = gateway.invitations.get(text(body.id));
    gateway.invitations.delete(text(body.id));
    if (found === undefined) throw new Refusal(401, "unauthenticated");
    return gateway.welcome(found.member, found.keystore);
  },
};

const MEMBERS: { readonly [route: string]: Members } = {
  "GET /site": (gateway, _call, door) => ({ site: gateway.site, member: door.member }),
  "POST /token": () => ({ expiresMs: Date.now() + 90 * 86_400_000 }),
  "GET /roster": (gateway, { query }) => {
    const from = Number(query.get("from"));
    return { from, statements: gateway.statements.slice(from, from + 3).map(toBase64Url) };
  },
  "POST /roster": (gateway, { body }) => gateway.append(bytes(body.statement)),
  "GET /devices": (gateway, _call, door) => ({
    devices: [...gateway.tokens.values()]
      .filter(({ device }) => gateway.history?.current.devices.has(device))
      .map(({ device, member, name }) => {
        return { id: device, member, name, this: device === door.device, addedMs: 1 };
      }),
  }),
  "POST /passkeys/options": (gateway, _call, door) => {
    const rp = { id: new URL(gateway.origin).hostname, name: "Bartizan" };
    const user = { id: toBase64Url(bytesOf(door.member)), name: "o", displayName: "o" };
    const type = "public-key";
    const excludeCredentials = [...gateway.passkeys.keys()].map((id) => ({ id, type }));
    const pubKeyCredParams = [{ type, alg: -7 }];
    return ceremony(gateway, { rp, user, pubKeyCredParams, excludeCredentials });
  },
  "POST /passkeys": (gateway, { body }) => {
    const { id } = body.credential as { id: string };
    const keystore = body.keystore === undefined ? null : text(body.keystore);
    const rpId = new URL(gateway.origin).hostname;
    gateway.passkeys.set(id, { name: text(body.name), rpId, keystore });
    return { id, name: body.name, rpId, addedMs: 1, opens: keystore !== null };
  },
  "GET /passkeys": (gateway) => ({
    passkeys: [...gateway.passkeys].map(([id, { name, rpId, keystore }]) => {
      return { id, name, rpId, addedMs: 1, opens: keystore !== null };
    }),
  }),
  "PUT /unlock-share": (gateway, { body }, door) => {
    gateway.shares.set(door.device, text(body.share));
  },
  "POST /invitations": (gateway, { body }, door) => {
    const keystore = text(body.keystore);
    gateway.invitations.set(text(body.id), { keystore, member: door.member });
    return { expiresMs: Date.now() + 600_000, origins: gateway.elsewhere };
  },
};

function changePasskey(gateway: FakeGateway, { method, path, body }: Call): void {
  const [, , id = ""] = path.split("/");
  const passkey = gateway.passkeys.get(id);
  if (passkey === undefined) throw new Refusal(404, "not-found");
  if (method === "DELETE") gateway.passkeys.delete(id);
  else if (method === "PATCH") gateway.passkeys.set(id, { ...passkey, name: text(body.name) });
  else gateway.passkeys.set(id, { ...passkey, keystore: text(body.keystore) });
}
