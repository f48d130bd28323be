// Debian's Chromium, without anything that it would do on its own account.

import { type Browser, type BrowserContext, chromium } from "playwright-core";
import { otherApp } from "./other-app.ts";

export const CHROMIUM = "/usr/bin/chromium";

export const FLAGS: readonly string[] = [
  // The kernel's sandbox wants rights that a container does not have. What is loaded is ours.
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
  // An app that the driver serves in the gateway's place comes from no address, and might not call a local one.
  ...(otherApp
    ? ["--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets"]
    : []),
];

export function launchChromium(headless: boolean, more: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, headless, args: [...FLAGS, ...more] });
}

/** A profile of its own in `folder`, which a test may have prepared. */
export function launchProfile(
  folder: string,
  headless: boolean,
  more: readonly string[] = [],
): Promise<BrowserContext> {
  const args = [...FLAGS, ...more];
  return chromium.launchPersistentContext(folder, { executablePath: CHROMIUM, headless, args });
}
