import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ascii, sha256 } from "../domain/bytes.ts";
import { idOf } from "../domain/id.ts";
import { toBase64Url } from "./base64.ts";
import { STALL_MS } from "./body.ts";
import { ANSWER_MS, ApiProblem, Client, isOffline } from "./client.ts";
import { generateDeviceKey, thumbprintOf } from "./dpop.ts";
import { verdictOf } from "./testing/verdict.ts";

type Sent = RequestInit & { url: string; headers: Headers };

let count = 0;
let sent: Sent[] = [];

/** A client of a gateway of its own, which answers as `answer` says. */
async function clientOf(answer: (request: Sent) => Response | Promise<Response>) {
  sent = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    const request = { ...init, url, headers: new Headers(init.headers) };
    sent.push(request);
    init.signal?.throwIfAborted();
    return await answer(request);
  });
  count += 1;
  const device = await generateDeviceKey();
  return new Client({ origin: `http://gateway-${count}:8440`, token: "bzn_x", device });
}

const documentOf = (body: unknown, init: ResponseInit = {}) =>
  new Response(JSON.stringify(body), init);

function refused(status: number, type: string, headers: Record<string, string> = {}) {
  const body = { type: `/problems/${type}`, title: "t", status, detail: "d" };
  return documentOf(body, { status, headers: { "dpop-nonce": "fresh", ...headers } });
}

const challenge = (error: string) => ({
  "www-authenticate": `DPoP algs="ES256", error="${error}"`,
});

/** The claims of a request's proof. */
function claimsOf(request: Sent | undefined) {
  const [header = "", claims = ""] = (request?.headers.get("dpop") ?? "").split(".");
  const parse = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());
  return { header: parse(header), claims: parse(claims) };
}

beforeEach(() => {
  count += 1;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a request carries token and proof, and nothing that a browser would keep or add", async () => {
  const client = await clientOf(() => documentOf([1]));
  expect(await client.get("/cameras?x=1")).toEqual([1]);
  const [request] = sent;
  expect(request?.headers.get("authorization")).toBe("DPoP bzn_x");
  expect(request).toMatchObject({
    ...{ cache: "no-store", credentials: "omit", redirect: "error", method: "GET" },
    referrerPolicy: "no-referrer",
  });
  const { header, claims } = claimsOf(request);
  expect(Object.keys(header)).toEqual(["typ", "alg", "jwk"]);
  expect(Object.keys(header.jwk)).toEqual(["crv", "kty", "x", "y"]);
  expect(claims).toMatchObject({ htm: "GET", htu: `${client.origin}/api/v1/cameras` });
  expect(Math.abs(claims.iat - Date.now() / 1_000)).toBeLessThan(5);
  expect(claims.jti).toHaveLength(22);
  expect(claims).not.toHaveProperty("nonce");
  expect(claims.ath).toHaveLength(43);
});

test("a proof verifies under the key in its header", async () => {
  const device = await generateDeviceKey();
  await clientOf(() => documentOf({}));
  const client = new Client({ origin: "http://a:1", token: "bzn_y", device });
  await client.send("POST", "/x", { a: 1 });
  const proof = sent[0]?.headers.get("dpop") ?? "";
  const [message, signature] = [proof.slice(0, proof.lastIndexOf(".")), proof.split(".")[2] ?? ""];
  const { header } = claimsOf(sent[0]);
  const ecdsa = { name: "ECDSA", namedCurve: "P-256" };
  const key = await crypto.subtle.importKey("jwk", header.jwk, ecdsa, true, ["verify"]);
  const bytes = Buffer.from(signature, "base64url");
  const signing = { name: "ECDSA", hash: "SHA-256" };
  expect(await crypto.subtle.verify(signing, key, bytes, Buffer.from(message))).toBe(true);
  const hash = await sha256(ascii(JSON.stringify(header.jwk)));
  expect(await thumbprintOf(device)).toBe(idOf(hash));
});

test("a nonce is asked for once, kept, and given to workers", async () => {
  const client = await clientOf((request) => {
    const { nonce } = claimsOf(request).claims;
    return nonce === "fresh"
      ? documentOf(1)
      : refused(401, "unauthenticated", challenge("use_dpop_nonce"));
  });
  expect(await client.get("/a")).toBe(1);
  expect(sent).toHaveLength(2);
  expect(claimsOf(sent[0]).claims.jti).not.toBe(claimsOf(sent[1]).claims.jti);
  await client.get("/b");
  expect(sent).toHaveLength(3);
  expect(structuredClone(client.seed)).toMatchObject({ origin: client.origin, nonce: "fresh" });
  await new Client(client.seed).get("/c");
  expect(sent).toHaveLength(4);
});

test("a gateway that never has enough of nonces is not asked for ever", async () => {
  const client = await clientOf(() => refused(401, "unauthenticated", challenge("use_dpop_nonce")));
  await expect(client.get("/a")).rejects.toMatchObject({ status: 401 });
  expect(sent).toHaveLength(2);
});

test("calls run side by side", async () => {
  let [running, most] = [0, 0];
  const client = await clientOf(async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    return documentOf(1);
  });
  await Promise.all(Array.from({ length: 12 }, () => client.get("/a")));
  expect(most).toBe(12);
});

test("problems are told with all that they say", async () => {
  const retry = { "retry-after": "3" };
  const client = await clientOf(() => refused(429, "too-many-requests", retry));
  const problem = await client.get("/a").catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(ApiProblem);
  expect(problem).toMatchObject({ status: 429, title: "t", detail: "d", retryAfterMs: 3_000 });
  expect((problem as ApiProblem).is("too-many-requests")).toBe(true);
});

test("answers that are no documents are problems too", async () => {
  for (const [body, status] of [
    ["<html>", 502],
    ["", 500],
    ['"x"', 404],
    ["[1]", 400],
  ] as const) {
    const client = await clientOf(() => new Response(body, { status }));
    await expect(client.get("/a")).rejects.toMatchObject({
      status,
      type: "/problems/not-understood",
    });
  }
  const client = await clientOf(() => new Response("{", { status: 200 }));
  expect(await verdictOf(() => client.get("/a"))).toBe("not-understood");
  const long = await clientOf(() => new Response(`"${"x".repeat(4 * 1024 * 1024)}"`));
  expect(await verdictOf(() => long.get("/a"))).toBe("not-understood");
});

test("no answer is told apart from a refusal", async () => {
  const gone = await clientOf(() => {
    throw new TypeError("failed to fetch");
  });
  const error = await gone.get("/a").catch((error: unknown) => error);
  expect(isOffline(error)).toBe(true);
  expect(error).toMatchObject({ status: 0, type: "/problems/offline" });
});

test("what hangs is given up, head or body, and who aborts is left alone", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const hanging = (request: Sent) =>
    new Promise<Response>((_resolve, reject) => {
      request.signal?.addEventListener("abort", () => reject(request.signal?.reason));
    });
  const client = await clientOf(hanging);
  const waiting = verdictOf(() => client.get("/a"));
  await vi.waitFor(() => expect(sent).toHaveLength(1));
  await vi.advanceTimersByTimeAsync(ANSWER_MS);
  expect(await waiting).toBe("timeout");
  const stalling = await clientOf(
    () => new Response(new ReadableStream({ start: () => undefined })),
  );
  const stalled = verdictOf(() => stalling.get("/a"));
  await vi.waitFor(() => expect(sent).toHaveLength(1));
  await vi.advanceTimersByTimeAsync(STALL_MS + 1);
  expect(await stalled).toBe("timeout");
  const aborted = await clientOf(hanging);
  const controller = new AbortController();
  const told = aborted.get("/a", controller.signal).catch((error: unknown) => error);
  await vi.waitFor(() => expect(sent).toHaveLength(1));
  controller.abort();
  expect(await told).toMatchObject({ name: "AbortError" });
});

function part(from: number, bytes: number, of: string) {
  const range = `bytes ${from}-${from + bytes - 1}/${of}`;
  const headers = { "content-range": range };
  return new Response(new Uint8Array(bytes).fill(7), { status: 206, headers });
}

test("sealed bytes are those that were asked for, or none", async () => {
  const asked = { start: 100, end: 110 };
  const ask = async (answer: Response) => {
    const client = await clientOf(() => answer);
    return await verdictOf(async () => {
      const bytes = await client.bytes("/data", asked);
      expect(sent[0]?.headers.get("range")).toBe("bytes=100-109");
      return bytes.length;
    });
  };
  expect(await ask(part(100, 10, "500"))).toBe(10);
  expect(await ask(part(100, 4, "104"))).toBe(4);
  for (const wrong of [
    part(99, 10, "500"),
    part(100, 11, "500"),
    new Response("x"),
    part(0, 1, "9"),
  ]) {
    expect(await ask(wrong)).toBe("not-understood");
  }
  const lying = { "content-range": "bytes 100-109/500" };
  const short = new Response(new Uint8Array(3), { status: 206, headers: lying });
  expect(await ask(short)).toBe("not-understood");
  const long = new Response(new Uint8Array(30), { status: 206, headers: lying });
  expect(await ask(long)).toBe("not-understood");
});

test("whole sealed documents and streams come as they are", async () => {
  const client = await clientOf(() => new Response(new Uint8Array(5)));
  expect(await client.bytes("/epochs/x")).toHaveLength(5);
  const streaming = await clientOf(() => part(10, 6, "16"));
  const stream = await streaming.stream("/data", { start: 10, end: 99 });
  expect((await new Response(stream).arrayBuffer()).byteLength).toBe(6);
});

test("a live address holds the ticket only", async () => {
  const client = await clientOf(() => documentOf({ ticket: "abc_-", expiresMs: 1 }));
  const url = await client.openLive("cam", "sub");
  expect(url).toBe(`${client.origin.replace("http", "ws")}/api/v1/live?ticket=abc_-`);
  expect(sent[0]?.body).toBe('{"rendition":"sub"}');
});

test("a device that is not known any more is told once, and a closed client is nobody", async () => {
  const client = await clientOf(() => refused(401, "unauthenticated", challenge("invalid_token")));
  const told = vi.fn();
  client.onSignedOut = told;
  await expect(client.get("/a")).rejects.toMatchObject({ signedOut: true });
  expect(told).toHaveBeenCalledOnce();
  client.close();
  await expect(client.get("/a")).rejects.toMatchObject({ status: 401 });
  expect(told).toHaveBeenCalledOnce();
  expect(sent.at(-1)?.headers.has("authorization")).toBe(false);
  expect(() => client.seed).toThrow();
});

test("204 is nothing, and documents go out as JSON", async () => {
  const client = await clientOf(() => new Response(null, { status: 204 }));
  expect(
    await client.send("PUT", "/a", { b: toBase64Url(Uint8Array.of(251, 255)) }),
  ).toBeUndefined();
  expect(sent[0]?.headers.get("content-type")).toBe("application/json");
  expect(sent[0]?.body).toBe('{"b":"-_8"}');
});
