// What an account needs from the browser, behind one type so that tests can bring their own. Nothing here decides anything.

import { Client } from "../api/client.ts";
import { DatabaseStore } from "./database.ts";
import type { AccountStore } from "./store.ts";

/** The two calls of WebAuthn (`navigator.credentials`). */
export type Authenticators = Pick<CredentialsContainer, "create" | "get">;

/** Where tabs of one account hear each other. */
export type Channel = Pick<
  BroadcastChannel,
  "postMessage" | "addEventListener" | "removeEventListener"
>;

/** The browser as an account sees it. */
export interface Environment {
  readonly store: AccountStore;
  /** `null` where there are no passkeys. */
  readonly authenticators: Authenticators | null;
  /** The page's own origin, which is the gateway's. */
  readonly origin: string;
  readonly channel: Channel | null;
  /** What this device is called until its owner says otherwise. */
  readonly deviceName: string;
  /** Asks the browser not to throw the store away; what it answers changes nothing. */
  persist(): Promise<unknown>;
}

/** The browser that this runs in. */
export function browserEnvironment(): Environment {
  const { credentials, storage } = navigator;
  return {
    store: new DatabaseStore(indexedDB),
    authenticators: "PublicKeyCredential" in globalThis && credentials ? credentials : null,
    origin: location.origin,
    channel: new BroadcastChannel("bartizan-account"),
    deviceName: guessDeviceName(navigator.userAgent),
    persist: async () => await storage?.persist?.(),
  };
}

/** For requests that no token goes with: nobody's, or proved by `device` alone. */
export function doorOf(environment: Environment, device: CryptoKeyPair | null = null): Client {
  return new Client({ origin: environment.origin, device });
}

/** In the order in which they are looked for: most browsers name others too. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/Edg(?:A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/(?:Firefox|FxiOS)\//, "Firefox"],
  [/(?:Chrome|CriOS)\//, "Chrome"],
  [/Safari\//, "Safari"],
];

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/CrOS/, "Chromebook"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "Mac"],
  [/Linux/, "Linux"],
];

/** For example `Firefox, Android`. */
export function guessDeviceName(userAgent: string): string {
  const named = (table: typeof BROWSERS) => table.find(([known]) => known.test(userAgent))?.[1];
  const known = [named(BROWSERS), named(SYSTEMS)].filter((name) => name !== undefined);
  return known.join(", ") || "Browser";
}
