// For tests: the code with which something is refused, or "accepted". Errors of any other type pass
// through, so that they fail the test.

import { SealedError } from "../../domain/errors.ts";

export async function verdict(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (error instanceof SealedError) return error.code;
    throw error;
  }
  return "accepted";
}
