// Reading what the gateway answers: documents, and sealed bytes of the range that was asked for.

import { readBody } from "./body.ts";
import type { ByteSpan } from "./client.ts";
import { notUnderstood } from "./problem.ts";

/** Largest document in bytes. */
export const MAX_DOCUMENT = 4 * 1024 * 1024;

/** Reads a document. */
export async function json(response: Response): Promise<unknown> {
  const bytes = await readBody(response, MAX_DOCUMENT);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw notUnderstood(response.status, "The answer is not JSON.");
  }
}

/** What a 206 says it holds (RFC 9110 §14.4); it must begin where it was asked to, and not go beyond. */
export function spanOf(response: Response, asked: ByteSpan): ByteSpan {
  const value = response.headers.get("content-range") ?? "";
  const [, first, last] = /^bytes (\d{1,16})-(\d{1,16})\//.exec(value) ?? [];
  const given = { start: Number(first), end: Number(last) + 1 };
  const fits = given.start === asked.start && given.end > given.start && given.end <= asked.end;
  if (fits) return given;
  response.body?.cancel().catch(() => undefined);
  throw notUnderstood(206, "The gateway sent another part of the recording.");
}
