// Plain byte work that every other room here needs: joining, comparing, SHA-256. No parsing, no keys.

/** Bytes that WebCrypto takes as they are (not shared memory). */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Stands where a chain has no predecessor. */
export const ZERO_HASH: Bytes = new Uint8Array(32);

const encoder = new TextEncoder();

/** The bytes of a label. */
export function ascii(text: string): Bytes {
  return encoder.encode(text);
}

/** `parts`, one after the other, in new memory. */
export function concat(...parts: readonly Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Whether both hold the same bytes. For public values: it stops at the first difference. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** -1, 0 or 1, by the first byte that differs. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, index) => byte !== b[index]);
  if (at < 0) return a.length === b.length ? 0 : -1;
  return (a[at] ?? 0) < (b[at] ?? -1) ? -1 : 1;
}

/** SHA-256 over the parts, one after the other. */
export async function sha256(...parts: readonly Uint8Array[]): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts)));
}
