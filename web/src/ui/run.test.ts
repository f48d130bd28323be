// One thing at a time, and how it went.

import { expect, test } from "vitest";
import { Run } from "./run.svelte.ts";

test("a failure is kept until the next try", async () => {
  const run = new Run();
  const error = new Error("no");
  expect(await run.do(() => Promise.reject(error))).toBe(false);
  expect(run.error).toBe(error);
  expect(await run.do(async () => undefined)).toBe(true);
  expect(run.error).toBeNull();
});

test("a second click while the first is under way does nothing", async () => {
  const run = new Run();
  let finish = (): void => undefined;
  const first = run.do(() => new Promise<void>((done) => (finish = done)));
  expect(run.busy).toBe(true);
  expect(await run.do(async () => expect.unreachable())).toBe(false);
  finish();
  expect(await first).toBe(true);
  expect(run.busy).toBe(false);
});
