// Under which of the gateway's addresses another device gets to it. `localhost` is every machine's own name, so a link to it
// leads a phone to the phone. The same rule as in `core/domain/src/host.rs` and `shell/client/src/invitation.rs`.

const LOOPBACK =
  /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\]|\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\])$/;

/** Whether an origin leads to the very machine that asks, so that no other can use it. */
export function isOnlyHere(origin: string): boolean {
  const url = parsed(origin);
  return url !== null && LOOPBACK.test(url.hostname);
}

/** What another device opens: the page's own origin, or where nobody else can use that, the first offered one that others can. */
export function forOthers(own: string, offered: readonly string[] = []): string {
  const usable = (origin: string): boolean =>
    origin.startsWith("https://") && parsed(origin)?.origin === origin && !isOnlyHere(origin);
  return isOnlyHere(own) ? (offered.find(usable) ?? own) : own;
}

function parsed(origin: string): URL | null {
  try {
    return new URL(origin);
  } catch {
    return null;
  }
}
