// Registers the service worker and tells when a new version of the app is ready. The page decides when to change
// to it: never under the hands of somebody who watches.

import { trustedWorkerUrl } from "./ui/trusted.ts";

/** How often an open app asks for a new version, in milliseconds. */
const ASK_MS = 60 * 60 * 1_000;

/** `onready` gets what changes to the new version and reloads. Does nothing where there are no service workers. */
export async function watchVersions(onready: (change: () => void) => void): Promise<void> {
  if (!("serviceWorker" in navigator) || !import.meta.env.PROD) return;
  const options: RegistrationOptions = { scope: "/", updateViaCache: "none" };
  const registration = await navigator.serviceWorker.register(trustedWorkerUrl("/sw.js"), options);
  const ready = (): void => {
    const { waiting } = registration;
    if (waiting !== null && navigator.serviceWorker.controller !== null)
      onready(() => change(waiting));
  };
  const follow = (): void => {
    const { installing } = registration;
    installing?.addEventListener("statechange", () => installing.state === "installed" && ready());
  };
  registration.addEventListener("updatefound", follow);
  // One may be on its way, or wait, since before this page listened.
  follow();
  ready();
  setInterval(() => void registration.update().catch(() => undefined), ASK_MS);
}

function change(waiting: ServiceWorker): void {
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), {
    once: true,
  });
  waiting.postMessage("activate");
}
