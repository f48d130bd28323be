// Where the app is: History API, links and the focus. A link inside the app is an ordinary <a href>; clicks on it are
// taken over here.

import { tick } from "svelte";
import type { Route } from "./routes.ts";
import { routeOf } from "./routes.ts";

/** Pages that this visit has behind it. */
let depth = 0;
/** Somebody navigated, and the new page's heading has not had the focus yet. */
let owed = false;
let current: Route = $state.raw(routeOf(new URL(location.href)));

/** The page that is shown. */
export const route = (): Route => current;

/** Goes to an address of the app. `replace` leaves no way back to here; `keepFocus` is for changes within a page. */
export function navigate(
  address: string,
  { replace = false, keepFocus = false }: { replace?: boolean; keepFocus?: boolean } = {},
): void {
  const url = new URL(address, location.origin);
  if (url.origin !== location.origin) throw new TypeError("the router stays on this origin");
  history[replace ? "replaceState" : "pushState"](null, "", url);
  if (!replace) depth += 1;
  current = routeOf(url);
  if (!keepFocus) void settle();
}

/** Back, or to `fallback` when this page is where the visit began. */
export function back(fallback: string): void {
  if (depth > 0) history.back();
  else navigate(fallback, { replace: true });
}

/** A new page begins at its top, and screen readers at its heading, which may have to be fetched first. */
async function settle(): Promise<void> {
  owed = true;
  await tick();
  window.scrollTo(0, 0);
  pageShown();
}

/** A page is there: gives its heading the focus if somebody navigated to it. */
export function pageShown(): void {
  if (owed && document.querySelector("main h1") !== null) focusHeading();
}

/** Moves the focus to the page's heading. */
export function focusHeading(): void {
  owed = false;
  const heading = document.querySelector<HTMLElement>("main h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
}

function clicked(event: MouseEvent): void {
  const plain =
    event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (event.defaultPrevented || !plain || !(event.target instanceof Element)) return;
  const link = event.target.closest("a[href]");
  if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("download")) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || routeOf(url).page === "not-found") return;
  if (url.hash !== "" && url.pathname === location.pathname) return;
  event.preventDefault();
  navigate(url.href);
}

/** Listens to links and to the browser's back and forward. */
export function startRouter(): void {
  document.addEventListener("click", clicked);
  window.addEventListener("popstate", () => {
    depth = Math.max(0, depth - 1);
    current = routeOf(new URL(location.href));
    owed = true;
    void tick().then(pageShown);
  });
}
