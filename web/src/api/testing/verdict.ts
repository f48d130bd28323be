// For tests: what comes out of a call, or the name of the problem that it ends with.

import { ApiProblem } from "../problem.ts";

export async function verdictOf<T>(run: () => Promise<T>): Promise<T | string> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ApiProblem) return error.type.replace("/problems/", "");
    throw error;
  }
}
