// What the offline check asks of one record: its chain, and what can be read without a key.

import type { Bytes } from "../domain/bytes.ts";
import { SealedError } from "../domain/errors.ts";
import { Reader } from "../domain/wire.ts";
import type { Record } from "./record.ts";
import { chainAfter } from "./record.ts";

/** The chain after `record`, or `null` when its check field does not agree. */
export async function intact(before: Bytes, record: Record): Promise<Bytes | null> {
  try {
    return await chainAfter(before, record);
  } catch (error) {
    if (error instanceof SealedError) return null;
    throw error;
  }
}

/** What `run` gives, or its refusal. */
export function attempt<T>(run: () => T): T | SealedError {
  try {
    return run();
  } catch (error) {
    if (error instanceof SealedError) return error;
    throw error;
  }
}

/** A close record without its tag, which needs the key. */
export function decodeClose({ body }: Record): { number: bigint; end: bigint } {
  const input = new Reader(body);
  const [number, end] = [input.u64("segment number"), input.u64("end")];
  input.view("bytes and tag", 24);
  input.finish("close");
  return { number, end };
}
