// Reading answers within a limit and without waiting for ever: a gateway can neither fill nor stall the
// app. What the bytes mean is the caller's business.

import type { Bytes } from "../domain/bytes.ts";
import { notUnderstood, offline, timedOut } from "./problem.ts";

/** How long a body may pause, in milliseconds. */
export const STALL_MS = 20_000;

/** Reads a body of at most `limit` bytes. */
export async function readBody(response: Response, limit: number): Promise<Bytes> {
  const declared = Number(response.headers.get("content-length") ?? 0);
  if (declared > limit) {
    await response.body?.cancel();
    throw tooLong(response.status, limit);
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const chunk = reader === undefined ? undefined : await nextChunk(reader);
    if (chunk === undefined) break;
    length += chunk.length;
    if (length > limit) {
      await reader?.cancel();
      throw tooLong(response.status, limit);
    }
    parts.push(chunk);
  }
  const [only] = parts;
  if (parts.length === 1 && only?.buffer instanceof ArrayBuffer) return only as Bytes;
  return joined(parts, length);
}

function joined(parts: readonly Uint8Array[], length: number): Bytes {
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** The next bytes of a body; `undefined` at its end. */
async function nextChunk(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<Uint8Array | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stalled = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(timedOut()), STALL_MS);
  });
  try {
    const { value } = await Promise.race([reader.read(), stalled]);
    return value;
  } catch (error) {
    reader.cancel().catch(() => undefined);
    throw error instanceof TypeError ? offline(error) : error;
  } finally {
    clearTimeout(timer);
  }
}

function tooLong(status: number, limit: number) {
  return notUnderstood(status, `The answer is longer than ${limit} bytes.`);
}
