// Links with secrets (claim, invitation): taken out of the address bar at once, so that no history, no screenshot and no
// bookmark keeps them. They stay in memory until they are used; a reload forgets them.

let taken: string | null = null;

/** At start: keeps the whole address when its fragment is a secret, and shows the address without it. */
export function takeLink(): void {
  const { pathname, search, hash, href } = location;
  if (hash.length < 2 || !/^\/(claim|join)\/?$/.test(pathname)) return;
  taken = href;
  history.replaceState(null, "", `${pathname}${search}`);
}

/** The link that this page was opened with. */
export function linkTaken(): string | null {
  return taken;
}

/** It is used up. */
export function dropLink(): void {
  taken = null;
}

/** Whether the host of this page is an address and not a name: passkeys belong to names. */
export function isAddress(host: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host) || host.startsWith("[");
}

/** The same link under `localhost`, when this page came from this very machine; `null` otherwise. */
export function underName(link: string): string | null {
  const url = new URL(link);
  if (url.hostname !== "[::1]" && !url.hostname.startsWith("127.")) return null;
  url.hostname = "localhost";
  return url.href;
}
