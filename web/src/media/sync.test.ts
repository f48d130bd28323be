// When pictures wait for their sound, where the speaker is, and for how long sound is held.

import { expect, test } from "vitest";

import { LATE_MS, MAX_AGE_MS, MAX_WAIT_MS, SoundClock, SoundHold, waits } from "./sync.ts";

test("a picture waits only for sound that people notice to be late", () => {
  for (let soundMs = -1_000; soundMs <= 1_000; soundMs += 10) {
    const waiting = waits({ soundMs, ageMs: 30, waitedMs: 0 });
    if (soundMs >= LATE_MS) expect(waiting).toBe(true);
    if (soundMs <= 90) expect(waiting).toBe(false);
  }
});

test("no picture waits until it is old, whatever the sound does", () => {
  for (let arrivedMs = 0; arrivedMs < 400; arrivedMs += 7) {
    for (let soundMs = -200; soundMs < 5_000; soundMs += 50) {
      let waitedMs = 0;
      const state = () => ({
        soundMs: soundMs - waitedMs,
        ageMs: arrivedMs + waitedMs,
        waitedMs,
      });
      while (waits(state())) waitedMs += 1;
      expect(arrivedMs + waitedMs).toBeLessThanOrEqual(Math.max(arrivedMs, MAX_AGE_MS));
      // And it never waits longer than its sound needs to be near.
      expect(waitedMs).toBeLessThanOrEqual(Math.max(0, soundMs - 100));
    }
  }
});

test("clocks that are wrong hold no picture for long", () => {
  let waitedMs = 0;
  while (waits({ soundMs: 9_000, ageMs: -9_000 + waitedMs, waitedMs })) waitedMs += 1;
  expect(waitedMs).toBe(MAX_WAIT_MS);
});

test("reports that come late do not turn the clock back", () => {
  const clock = new SoundClock();
  expect(clock.heard(0)).toBeNull();
  // Sound at local time 1000 + t is at 5000 + t; reports are late by turns.
  const delays = [3, 40, 0, 25, 60, 1, 30];
  let least = Number.POSITIVE_INFINITY;
  for (const [index, delay] of delays.entries()) {
    const at = index * 100;
    clock.tell((5_000 + at) * 1_000, 1, 1_000 + at + delay);
    least = Math.min(least, delay);
    const behind = 5_000 + at + delay - (clock.heard(1_000 + at + delay) ?? 0);
    expect(behind).toBeGreaterThanOrEqual(0);
    expect(behind).toBeLessThanOrEqual(least + 20);
  }
});

test("a leap is believed at once, silence and old reports tell nothing", () => {
  const clock = new SoundClock();
  clock.tell(5_000_000, 1, 1_000);
  clock.tell(2_000_000, 2, 1_010);
  expect(clock.heard(1_020)).toBe(2_010);
  expect(clock.heard(1_600)).toBeNull();
  clock.tell(null, 3, 1_700);
  expect(clock.heard(1_700)).toBeNull();
});

/** Shows pictures for a while; sound follows what is held, `soundMs` late without. */
function settle(hold: SoundHold, soundMs: number): number {
  let changes = 0;
  for (let now = 0; now < 120_000; now += 40) {
    if (hold.note(soundMs + hold.ms, now)) changes += 1;
  }
  return changes;
}

test("sound before its picture is held until they are together, and no more than that", () => {
  for (let soundMs = -390; soundMs <= 300; soundMs += 10) {
    const hold = new SoundHold(0);
    expect(settle(hold, soundMs)).toBeLessThanOrEqual(1);
    expect(hold.ms).toBe(soundMs < -45 ? -soundMs : 0);
  }
});

test("what was held for nothing is let go of", () => {
  const hold = new SoundHold(200);
  settle(hold, 30);
  expect(hold.ms).toBe(0);
});
