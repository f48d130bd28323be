// When to try again after a connection was lost: soon at first, then ever more seldom, and never all tiles at once.

const FIRST_MS = 250;
const CAP_MS = 15_000;

/** How a connection ended. */
export type Ending =
  | { readonly kind: "closed" | "silent" }
  | { readonly kind: "problem"; readonly status: number; readonly retryAfterMs?: number };

/** What follows from it. */
export type Verdict = "again" | "revoked" | "gone" | "signed-out";

/**
 * A connection that ends says nothing for sure, not even that rights ended (RFC 6455 §7.4.1, code 1008: the camera's or the
 * whole device's?): the answer to the next try does.
 */
export function verdictOf(ending: Ending): Verdict {
  if (ending.kind !== "problem") return "again";
  if (ending.status === 401) return "signed-out";
  if (ending.status === 403) return "revoked";
  return ending.status === 404 ? "gone" : "again";
}

/** How long to wait before try number `failures` + 1, in milliseconds; `random` is between 0 and 1. */
export function pauseMs(failures: number, random: number, atLeast = 0): number {
  const longest = Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(failures, 10));
  return Math.max(atLeast, longest / 2 + (longest / 2) * random);
}
