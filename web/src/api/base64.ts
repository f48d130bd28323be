// Bytes inside JSON and links: unpadded base64url (RFC 4648 §5), as `core/protocol` writes and reads it.

import type { Bytes } from "../domain/bytes.ts";

/** Characters that one call of `fromCharCode` takes: engines limit the number of arguments. */
const CHUNK = 8_192;

/** Bytes as they stand in API documents. */
export function toBase64Url(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Reads unpadded base64url; `null` for every other text, a second spelling of the same bytes included. */
export function fromBase64Url(text: string): Bytes | null {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return null;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return toBase64Url(bytes) === text ? bytes : null;
}
