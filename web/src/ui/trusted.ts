// The Trusted Types policy `bartizan-worker`: the only way in which an address becomes a script in this app, for
// workers and the service worker. It takes files of this app only: what is made on the page (`blob:`, `data:`) is no
// script. Where the browser knows no Trusted Types, the same check is made and the plain text is given.

interface Policy {
  createScriptURL(address: string): unknown;
}

interface PolicyFactory {
  createPolicy(name: string, rules: { createScriptURL(address: string): string }): Policy;
}

const factory = (globalThis as { trustedTypes?: PolicyFactory }).trustedTypes;

/** The address if it is one of this app's scripts at `here`; every other is a mistake in the app. */
export function ownScript(address: string, here: string, isBuilt: boolean): string {
  const [url, base] = [new URL(address, here), new URL(here)];
  // A `blob:` address has the origin of the page that made it: the scheme tells them apart.
  const isOwn = url.origin === base.origin && url.protocol === base.protocol;
  // A development server has its files elsewhere.
  const isFile = url.pathname.startsWith("/assets/") || url.pathname === "/sw.js" || !isBuilt;
  if (!isOwn || !isFile) throw new TypeError("scripts are files of this app only");
  return url.href;
}

const own = (address: string) => ownScript(address, location.origin, !import.meta.env.DEV);

const policy = factory?.createPolicy("bartizan-worker", { createScriptURL: own });

/** For `new Worker(trustedWorkerUrl(url), { type: "module" })` and `serviceWorker.register`. */
export function trustedWorkerUrl(address: string): string {
  // A TrustedScriptURL where the browser has them; TypeScript's DOM knows only text and URL here.
  return (policy === undefined ? own(address) : policy.createScriptURL(address)) as string;
}
