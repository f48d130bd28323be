// The service worker: keeps the app's shell, so that the app opens at once and without a network. It knows the shell's
// files by name (the build writes them in) and keeps nothing else: never an answer of the API, never a picture.

/** Written in by the build: paths of the shell, and a hash over all of their bytes. */
declare const SHELL_FILES: readonly string[];
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
const FILES = new Set(SHELL_FILES);

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

/** Fetches the whole shell past the browser's cache; one missing file and this version is not taken. */
async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll([...FILES].map((path) => new Request(path, { cache: "reload" })));
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
  return (await cache.match(path)) ?? (await fetch(request));
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
