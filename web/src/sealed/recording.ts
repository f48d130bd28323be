// A recording from bytes: cuts them into records and lets `verify.ts` walk those.

import type { Bytes } from "../domain/bytes.ts";
import { SealedError } from "../domain/errors.ts";
import { Splitter } from "./record.ts";
import type { Report } from "./report.ts";
import type { RecordingRequest } from "./seals.ts";
import { RecordingVerifier } from "./verify.ts";

/** Verifies the records of one stream that lie in `chunks`. Bytes that are no record end the walk. */
export async function verifyRecording(
  request: RecordingRequest,
  chunks: Iterable<Bytes> | AsyncIterable<Bytes>,
): Promise<Report> {
  const verifier = new RecordingVerifier(request);
  const splitter = new Splitter();
  try {
    for await (const chunk of chunks) {
      for (const record of splitter.push(chunk)) await verifier.push(record);
    }
    if (splitter.pending) verifier.pushGarbage();
  } catch (error) {
    if (!(error instanceof SealedError)) throw error;
    verifier.pushGarbage();
  }
  return verifier.finish();
}
