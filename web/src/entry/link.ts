// Links with secrets (claim, invitation): taken out of the address bar at once, so that no screenshot and no bookmark keeps
// them, and what a browser's history keeps is as little as a page can do about. They stay in memory until they are
// used; a reload forgets them.

import { createSubscriber } from "svelte/reactivity";
import { sabotaged, TEST_BUILD } from "../account/sabotage.ts";

let taken: string | null = null;
let count = 0;
let changed: () => void = () => undefined;

const follow = createSubscriber((update) => {
  changed = update;
  return () => {
    changed = () => undefined;
  };
});

/** At start, before the router: takes the link that the page was opened with, and each that is opened in it later. */
export function watchLinks(): void {
  takeLink();
  if (TEST_BUILD && sabotaged("M-7")) return;
  // A link to the page that is shown loads nothing: only its fragment is new.
  for (const name of ["popstate", "hashchange"]) window.addEventListener(name, takeLink);
}

/** Keeps the whole address when its fragment is a secret, and shows the address without it. */
function takeLink(): void {
  const { pathname, search, hash, href } = location;
  if (hash.length < 2 || !/^\/(claim|join)\/?$/.test(pathname)) return;
  history.replaceState(null, "", `${pathname}${search}`);
  giveLink(href);
}

/** Takes a link that somebody pasted. It must be one of this origin. */
export function giveLink(link: string): void {
  taken = link;
  count += 1;
  changed();
}

/** The link that this page was opened with, or was given since. */
export function linkTaken(): string | null {
  return taken;
}

/** How many links were taken: another one begins its page anew. Views that ask follow it. */
export function linksTaken(): number {
  follow();
  return count;
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
