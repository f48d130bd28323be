import { describe, expect, test } from "vitest";
import { CLOSE_UP, MAX_SCALE, MIDDLE, moved, type Place, toggled, WHOLE, zoomed } from "./view.ts";

/** Numbers that look like chance and are the same each time. */
function* chances(): Generator<number> {
  for (let state = 1; ; ) {
    state = (state * 48_271) % 2_147_483_647;
    yield state / 2_147_483_647;
  }
}

/** What part of the picture is at `place`. */
const seenAt = (view: typeof WHOLE, place: Place): Place => ({
  x: (place.x - view.x) / view.scale,
  y: (place.y - view.y) / view.scale,
});

describe("a lens", () => {
  test("keeps what is under the fingers there, away from the edges", () => {
    const place = { x: 0.4, y: 0.6 };
    const view = zoomed(WHOLE, 3, place);
    expect(view.scale).toBe(3);
    expect(seenAt(view, place).x).toBeCloseTo(0.4);
    expect(seenAt(zoomed(view, 0.8, place), place).y).toBeCloseTo(0.6);
  });

  test("leaves no empty edge and stays within its limits, whatever is done", () => {
    const chance = chances();
    const next = (): number => chance.next().value as number;
    let view = WHOLE;
    for (let step = 0; step < 20_000; step += 1) {
      const place = { x: next(), y: next() };
      view =
        next() < 0.5
          ? zoomed(view, 0.25 + next() * 3, place)
          : moved(view, next() * 4 - 2, next() * 4 - 2);
      const full = [view.x, view.y].every((at) => at <= 0 && at + view.scale >= 1 - 1e-9);
      if (!full || view.scale < 1 || view.scale > MAX_SCALE) expect.fail(JSON.stringify(view));
    }
  });

  test("goes close and back", () => {
    const close = toggled(WHOLE, MIDDLE);
    expect(close).toEqual({ scale: CLOSE_UP, x: -0.75, y: -0.75 });
    expect(toggled(moved(close, 0.3, -0.1), MIDDLE)).toEqual(WHOLE);
  });
});
