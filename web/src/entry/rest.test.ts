// Words leave a screen that nobody touches, and a page that is put away.

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { whenAtRest } from "./rest.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const MINUTE = 60_000;

test("m_7_words_leave_after_ten_minutes_without_a_touch", () => {
  const [target, clear] = [new EventTarget(), vi.fn()];
  whenAtRest(clear, target);
  vi.advanceTimersByTime(9 * MINUTE);
  target.dispatchEvent(new Event("pointerdown"));
  vi.advanceTimersByTime(9 * MINUTE);
  expect(clear).not.toHaveBeenCalled();
  vi.advanceTimersByTime(2 * MINUTE);
  expect(clear).toHaveBeenCalledOnce();
});

test("words leave with the page that the browser keeps", () => {
  const [target, clear] = [new EventTarget(), vi.fn()];
  whenAtRest(clear, target);
  target.dispatchEvent(new Event("pagehide"));
  expect(clear).not.toHaveBeenCalled();
  target.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: true }));
  expect(clear).toHaveBeenCalledOnce();
});

test("a page that is gone on from clears nothing", () => {
  const [target, clear] = [new EventTarget(), vi.fn()];
  whenAtRest(clear, target)();
  target.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: true }));
  vi.advanceTimersByTime(20 * MINUTE);
  expect(clear).not.toHaveBeenCalled();
});
