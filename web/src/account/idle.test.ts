import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { AutoLock } from "./idle.ts";
import { SoftAuthenticator } from "./testing/authenticator.ts";
import { browserAt, claim, reaches, sessionOf } from "./testing/browser.ts";
import { FakeGateway } from "./testing/gateway.ts";
import { MemoryStore } from "./testing/memory.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const MINUTE = 60_000;

function watched() {
  const target = new EventTarget();
  const now = { wall: 1_000_000_000, steady: 0 };
  const clocks = { wall: () => now.wall, steady: () => now.steady };
  const [onIdle, onActive] = [vi.fn(), vi.fn()];
  const lock = new AutoLock({ onIdle, onActive, clocks, target });
  const pass = (ms: number, wall = ms) => {
    now.wall += wall;
    now.steady += ms;
    vi.advanceTimersByTime(5_000);
  };
  return { lock, target, onIdle, onActive, pass };
}

test("m_7_it_locks_after_the_chosen_time_without_a_touch", () => {
  const { lock, target, onIdle, onActive, pass } = watched();
  lock.start(5);
  pass(4 * MINUTE);
  target.dispatchEvent(new Event("pointerdown"));
  expect(onActive).toHaveBeenCalledOnce();
  pass(4 * MINUTE);
  expect(onIdle).not.toHaveBeenCalled();
  pass(MINUTE);
  expect(onIdle).toHaveBeenCalledOnce();
  pass(MINUTE);
  expect(onIdle).toHaveBeenCalledOnce();
});

test("m_7_a_device_that_slept_is_locked_when_it_wakes_and_no_touch_prevents_it", () => {
  for (const event of ["visibilitychange", "pageshow", "focus", "keydown"]) {
    const { lock, target, onIdle, onActive } = watched();
    const slept = watched();
    lock.start(5);
    slept.lock.start(5);
    // While it sleeps, only the wall clock goes on and no timer fires.
    slept.pass(0, 6 * MINUTE - 5_000);
    expect(slept.onIdle).toHaveBeenCalledOnce();
    lock.check();
    target.dispatchEvent(new Event(event));
    expect(onIdle).not.toHaveBeenCalled();
    lock.stop();
    expect(onActive.mock.calls.length).toBe(event === "keydown" ? 1 : 0);
  }
});

test("m_7_the_first_touch_after_a_sleep_finds_it_locked", () => {
  const target = new EventTarget();
  let wall = 0;
  const [onIdle, onActive] = [vi.fn(), vi.fn()];
  const clocks = { wall: () => wall, steady: () => 0 };
  new AutoLock({ onIdle, onActive, clocks, target }).start(1);
  wall += 2 * MINUTE;
  target.dispatchEvent(new Event("pointerdown"));
  expect(onIdle).toHaveBeenCalledOnce();
  expect(onActive).not.toHaveBeenCalled();
});

test("m_7_a_clock_that_is_put_back_locks", () => {
  const { lock, onIdle, pass } = watched();
  lock.start(5);
  pass(1_000, -30_000);
  expect(onIdle).not.toHaveBeenCalled();
  pass(1_000, -120_000);
  expect(onIdle).toHaveBeenCalledOnce();
  const slow = watched();
  slow.lock.start(5);
  slow.pass(6 * MINUTE, 0);
  expect(slow.onIdle).toHaveBeenCalledOnce();
});

/** A channel between tabs; a message reaches all others. */
function channels() {
  const all = new Set<(event: MessageEvent) => void>();
  return () => {
    let own: ((event: MessageEvent) => void) | null = null;
    return {
      addEventListener: (_name: string, listener: (event: MessageEvent) => void) => {
        own = listener;
        all.add(listener);
      },
      removeEventListener: () => undefined,
      postMessage: (data: unknown) => {
        for (const listener of all) if (listener !== own) listener({ data } as MessageEvent);
      },
    } as unknown as BroadcastChannel;
  };
}

test("m_7_a_lock_in_one_tab_locks_every_tab", async () => {
  vi.useRealTimers();
  const [gateway, authenticator] = [new FakeGateway(), new SoftAuthenticator("at-creation")];
  const [store, join] = [new MemoryStore(), channels()];
  const first = await browserAt(gateway, authenticator, store, join());
  const second = await browserAt(gateway, authenticator, store, join());
  await claim(gateway, first);
  await first.account.addPasskey();
  await reaches(second, "locked");
  await second.account.unlock();
  const session = sessionOf(second);
  first.account.lock();
  expect(second.account.state.kind).toBe("locked");
  expect(session.signal.aborted).toBe(true);
});

test("the chosen time is kept, within its limits", async () => {
  vi.useRealTimers();
  const [gateway, authenticator] = [new FakeGateway(), new SoftAuthenticator("at-creation")];
  const { account, store } = await browserAt(gateway, authenticator);
  await claim(gateway, { account, store });
  await account.addPasskey();
  for (const [chosen, kept] of [
    [30, 30],
    [0, 1],
    [1e9, 1_440],
    [Number.NaN, 15],
  ] as const) {
    await account.setIdle(chosen);
    expect(account.idleMinutes).toBe(kept);
    account.lock();
    await account.unlock();
    expect(account.idleMinutes).toBe(kept);
  }
});

test("two tabs do not write over each other", async () => {
  vi.useRealTimers();
  const [gateway, authenticator] = [new FakeGateway(), new SoftAuthenticator("at-creation")];
  const store = new MemoryStore();
  const first = await browserAt(gateway, authenticator, store);
  await claim(gateway, first);
  await first.account.addPasskey();
  const second = await browserAt(gateway, authenticator, store);
  await second.account.unlock();
  await first.account.setIdle(3);
  await second.account.setIdle(4);
  await first.account.setIdle(5);
  expect(store.record?.revision).toBeGreaterThan(2);
  second.account.lock();
  await second.account.unlock();
  expect(second.account.idleMinutes).toBe(5);
});
