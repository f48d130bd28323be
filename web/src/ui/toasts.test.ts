// Toasts come and go; never too many at once.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { clearToasts, dismiss, toast, toasts } from "./toasts.svelte.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  for (const { id } of toasts()) dismiss(id);
  vi.useRealTimers();
});

const texts = () => toasts().map(({ text }) => text);

test("a toast leaves by itself, one with an action stays", () => {
  toast("done");
  toast("ready", { action: { label: "Reload", run: () => undefined } });
  vi.advanceTimersByTime(60_000);
  expect(texts()).toEqual(["ready"]);
});

test("the oldest makes room", () => {
  for (const text of ["1", "2", "3", "4"]) toast(text);
  expect(texts()).toEqual(["2", "3", "4"]);
});

test("what is said again is there once, and stays as long as what is new", () => {
  toast("copied");
  vi.advanceTimersByTime(5_000);
  toast("copied");
  expect(texts()).toEqual(["copied"]);
  vi.advanceTimersByTime(5_000);
  expect(texts()).toEqual(["copied"]);
  vi.advanceTimersByTime(5_000);
  expect(texts()).toEqual([]);
});

test("it can be taken back", () => {
  const leave = toast("wait");
  leave();
  expect(texts()).toEqual([]);
});

test("what names a household goes when the app locks", () => {
  toast("Front door is removed");
  toast("Reload?", { action: { label: "Reload", run: () => undefined }, ofApp: true });
  clearToasts();
  expect(texts()).toEqual(["Reload?"]);
});
