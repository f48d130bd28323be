// The service worker: keeps the app's shell, so that the app opens at once and without a network. It knows each of the
// shell's files by its hash (the build writes them in) and keeps nothing else: never an answer of the API, never a
// picture. The browser's cache is not believed: whoever sat before an unlocked desktop can write into it, so every body
// is hashed before it is an answer, and headers are always this file's own.

/** Written in by the build: the SHA-256 (lowercase hex) of each path of the shell, and a hash over all of their bytes. */
declare const SHELL_FILES: { readonly [path: string]: string };
declare const SHELL_HASH: string;

// TypeScript's DOM types have no service worker's side: what is used of it.
interface ExtendableEvent extends Event {
  waitUntil(done: Promise<unknown>): void;
}
interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface Scope {
  readonly location: Location;
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: ExtendableEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
  addEventListener(type: "message", listener: (event: MessageEvent<unknown>) => void): void;
}
const scope = self as unknown as Scope;

const PREFIX = "bartizan-shell-";
const CACHE = `${PREFIX}${SHELL_HASH}`;
const FILES: ReadonlyMap<string, string> = new Map(Object.entries(SHELL_FILES));

/** As `account/sabotage.ts` has it, which a script of one file cannot import. */
const UNCHECKED = import.meta.env.MODE !== "production" && import.meta.env.VITE_SABOTAGE === "M-7";

/** First parts of the app's own addresses: other pages of this origin are the gateway's affair. */
const PAGES = new Set([
  "",
  "camera",
  "cameras",
  "playback",
  "settings",
  "claim",
  "join",
  "sign-in",
]);

/** Content types by ending, as in `shell/app/build.rs`. `/` is the start page. */
const TYPES: { readonly [ending: string]: string } = {
  css: "text/css; charset=utf-8",
  "/": "text/html; charset=utf-8",
  ico: "image/x-icon",
  jpg: "image/jpeg",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
  wasm: "application/wasm",
  webmanifest: "application/manifest+json",
  woff2: "font/woff2",
};

/** Headers of every answer, as `shell/http/src/app.rs` gives them (a test compares). */
const GUARDS: { readonly [name: string]: string } = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; " +
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
    "require-trusted-types-for 'script'; trusted-types svelte-trusted-html bartizan-worker",
  "permissions-policy":
    "accelerometer=(), autoplay=(self), camera=(), display-capture=(), fullscreen=(self), " +
    "geolocation=(), gyroscope=(), hid=(), idle-detection=(), magnetometer=(), microphone=(), midi=(), " +
    "payment=(), picture-in-picture=(self), publickey-credentials-create=(self), " +
    "publickey-credentials-get=(self), screen-wake-lock=(self), serial=(), usb=(), " +
    "xr-spatial-tracking=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-cache",
};

/** Fetches the whole shell past the browser's cache; one file missing or other, and this version is not taken. */
async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  const bodies = await Promise.all([...FILES.keys()].map(fetched));
  await Promise.all(bodies.map(([path, body]) => cache.put(path, answerOf(path, body))));
}

async function fetched(path: string): Promise<[string, ArrayBuffer]> {
  const body = await (await fetch(new Request(path, { cache: "reload" }))).arrayBuffer();
  if (!(await isShells(path, body))) throw new TypeError(`${path} is of another version`);
  return [path, body];
}

/** Drops the shells of other versions. */
async function activate(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await scope.clients.claim();
}

/** Which file of the shell answers a request; `null`: none does, the network has it. */
function shellPath(request: Request): string | null {
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== scope.location.origin) return null;
  if (request.mode === "navigate") return PAGES.has(url.pathname.split("/")[1] ?? "") ? "/" : null;
  return url.search === "" && url.pathname !== "/" && FILES.has(url.pathname) ? url.pathname : null;
}

async function answer(path: string, request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(path);
  if (UNCHECKED && kept !== undefined) return kept;
  const body = await kept?.arrayBuffer();
  if (body !== undefined && (await isShells(path, body))) return answerOf(path, body);
  if (body !== undefined) await cache.delete(path);
  const response = await fetch(request);
  const fresh = await response.clone().arrayBuffer();
  // A gateway that has another version by now answers with that; this worker's shell stays without it.
  if (await isShells(path, fresh))
    await cache.put(path, answerOf(path, fresh)).catch(() => undefined);
  return response;
}

/** Whether these are the bytes that the build knew under `path`. Asked with every answer: a cache may change meanwhile. */
async function isShells(path: string, body: ArrayBuffer): Promise<boolean> {
  if (UNCHECKED) return true;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex === FILES.get(path);
}

/** An answer with nothing of what the cache or anybody else says about it. */
function answerOf(path: string, body: ArrayBuffer): Response {
  const ending = path === "/" ? path : path.slice(path.lastIndexOf(".") + 1);
  const type = TYPES[ending] ?? "application/octet-stream";
  return new Response(body, { headers: { ...GUARDS, "content-type": type } });
}

scope.addEventListener("install", (event) => event.waitUntil(install()));
scope.addEventListener("activate", (event) => event.waitUntil(activate()));

scope.addEventListener("fetch", (event) => {
  const path = shellPath(event.request);
  if (path !== null) event.respondWith(answer(path, event.request));
});

// A new version waits until the person agrees: a page of the old one may be in use.
scope.addEventListener("message", (event) => {
  if (event.data === "activate") void scope.skipWaiting();
});

export {};
