// Installing the app like any other: some browsers offer it to the page (Chromium), others have it in a menu only.

/** Chromium's offer; not in TypeScript's DOM. */
interface InstallOffer extends Event {
  prompt(): Promise<unknown>;
}

let offer: InstallOffer | null = $state.raw(null);
let installed = $state(false);

/** Whether a button can do it, it is a matter of the browser's menu, or it is done. */
export function installing(): "offered" | "by-menu" | "done" {
  if (installed) return "done";
  return offer === null ? "by-menu" : "offered";
}

/** Listens for the browser's offer. */
export function watchInstall(): void {
  installed = matchMedia("(display-mode: standalone)").matches;
  window.addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    offer = event as InstallOffer;
  });
  window.addEventListener("appinstalled", () => {
    [installed, offer] = [true, null];
  });
}

/** Asks the person, in the browser's own words. An offer is good once. */
export async function install(): Promise<void> {
  const taken = offer;
  offer = null;
  await taken?.prompt();
}
