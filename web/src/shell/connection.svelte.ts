// Whether the gateway answers. While an account is open and the page is seen, it is asked at intervals. Shown as a
// banner, so that no view has to.

import { openSession } from "../entry/account.svelte.ts";

/** Between two questions while all is well, and while it is not, in milliseconds. */
const CALM_MS = 30_000;
const TROUBLED_MS = 4_000;

let gatewayGone = $state(false);
let networkGone = $state(false);
let timer: ReturnType<typeof setTimeout> | undefined;

/** What is missing: this device's network, the gateway, or nothing. */
export function missing(): "network" | "gateway" | null {
  if (networkGone) return "network";
  return gatewayGone ? "gateway" : null;
}

/** Begins to watch. */
export function watchConnection(): void {
  networkGone = !navigator.onLine;
  window.addEventListener("offline", () => {
    networkGone = true;
  });
  window.addEventListener("online", () => {
    networkGone = false;
    void ask();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void ask();
  });
  void ask();
}

async function ask(): Promise<void> {
  clearTimeout(timer);
  const session = openSession();
  if (session === null) gatewayGone = false;
  else if (!document.hidden) gatewayGone = !(await answers(session));
  timer = setTimeout(() => void ask(), gatewayGone ? TROUBLED_MS : CALM_MS);
}

/** Whether a question was answered, in whatever way. */
async function answers(session: NonNullable<ReturnType<typeof openSession>>): Promise<boolean> {
  try {
    await session.client.get("/site", session.signal);
    return true;
  } catch (error) {
    return !(error instanceof Error && "type" in error && error.type === "/problems/offline");
  }
}
