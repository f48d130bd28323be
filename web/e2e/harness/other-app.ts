// Another build of the app in place of the one in the gateway, with the gateway's own headers: the sabotage of a control
// that lies in the app (`BARTIZAN_APP`, set by `cargo xtask controls --sabotage`).

import { existsSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import type { BrowserContext, Route } from "playwright-core";

const { BARTIZAN_APP } = process.env;

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
};

/** Whether another build is to be served; service workers would keep the gateway's. */
export const otherApp = BARTIZAN_APP !== undefined;

/** Answers requests for the app's files in `context` from the other build, if there is one. */
export async function serveOtherApp(context: BrowserContext, origin: string): Promise<void> {
  if (BARTIZAN_APP === undefined) {
    return;
  }
  const folder = BARTIZAN_APP;
  const ours = (url: URL): boolean => url.origin === origin && !url.pathname.startsWith("/api/");
  await context.route(ours, (route) => answer(route, folder, origin));
}

async function answer(route: Route, folder: string, origin: string): Promise<void> {
  const file = join(folder, new URL(route.request().url()).pathname);
  const exists = existsSync(file) && statSync(file).isFile();
  if (!exists && !route.request().isNavigationRequest()) {
    return route.continue();
  }
  const path = exists ? file : join(folder, "index.html");
  const { "content-security-policy": policy = "" } = (
    await route.fetch({ url: `${origin}/` })
  ).headers();
  const headers = {
    "content-security-policy": policy,
    "content-type": TYPES[extname(path)] ?? "application/octet-stream",
    "cache-control": "no-store",
  };
  await route.fulfill({ status: 200, headers, path });
}
