// The Trusted Types policy `bartizan-worker`: the only way in which an address becomes a script in this app, for
// workers and the service worker. It takes addresses of this origin only. Where the browser knows no Trusted
// Types, the same check is made and the plain text is given.

interface Policy {
  createScriptURL(address: string): unknown;
}

interface PolicyFactory {
  createPolicy(name: string, rules: { createScriptURL(address: string): string }): Policy;
}

const factory = (globalThis as { trustedTypes?: PolicyFactory }).trustedTypes;

/** The address if it is one of this origin; every other is a mistake in the app. */
function ownAddress(address: string): string {
  const url = new URL(address, location.origin);
  if (url.origin !== location.origin) throw new TypeError("scripts come from this origin only");
  return url.href;
}

const policy = factory?.createPolicy("bartizan-worker", { createScriptURL: ownAddress });

/** For `new Worker(trustedWorkerUrl(url), { type: "module" })` and `serviceWorker.register`. */
export function trustedWorkerUrl(address: string): string {
  // A TrustedScriptURL where the browser has them; TypeScript's DOM knows only text and URL here.
  return (policy === undefined ? ownAddress(address) : policy.createScriptURL(address)) as string;
}
