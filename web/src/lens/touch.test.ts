import { describe, expect, test } from "vitest";
import { LensTouch, wheeled } from "./touch.ts";
import { CLOSE_UP, type LensView, WHOLE } from "./view.ts";

const FRAME = { left: 100, top: 50, width: 400, height: 200 };

const at = (id: number, x: number, y: number, time = 0) => ({ id, x, y, time });

function tapped(touch: LensTouch, view: LensView, x: number, time: number): LensView {
  touch.down(at(1, x, 150, time));
  return touch.up(view, FRAME, at(1, x, 150, time + 40));
}

describe("fingers on a picture", () => {
  test("two apart by twice as much enlarge twice, around their middle", () => {
    const touch = new LensTouch();
    touch.down(at(1, 250, 150));
    touch.down(at(2, 350, 150));
    let view = touch.move(WHOLE, FRAME, at(1, 200, 150));
    view = touch.move(view, FRAME, at(2, 400, 150));
    expect(view.scale).toBeCloseTo(2);
    expect(view.x).toBeCloseTo(-0.5);
    view = touch.up(view, FRAME, at(1, 200, 150, 50));
    view = touch.up(view, FRAME, at(2, 400, 150, 60));
    expect(view.scale).toBeCloseTo(2);
  });

  test("one moves what is enlarged, and a whole picture not", () => {
    const touch = new LensTouch();
    touch.down(at(1, 200, 100));
    expect(touch.move(WHOLE, FRAME, at(1, 160, 100))).toEqual(WHOLE);
    const close = { scale: 2, x: -0.5, y: -0.5 };
    expect(touch.move(close, FRAME, at(1, 120, 120)).x).toBeCloseTo(-0.6);
  });

  test("two short touches at one place go close and back; apart, late or after a drag they do not", () => {
    const touch = new LensTouch();
    let view = tapped(touch, WHOLE, 300, 0);
    expect(view).toEqual(WHOLE);
    view = tapped(touch, view, 305, 150);
    expect(view.scale).toBe(CLOSE_UP);
    view = tapped(touch, tapped(touch, view, 300, 1_000), 300, 1_200);
    expect(view).toEqual(WHOLE);
    view = tapped(touch, tapped(touch, view, 300, 3_000), 400, 3_100);
    view = tapped(touch, view, 400, 4_000);
    touch.down(at(1, 400, 150, 4_100));
    view = touch.move(view, FRAME, at(1, 440, 150, 4_150));
    expect(touch.up(view, FRAME, at(1, 440, 150, 4_200))).toEqual(WHOLE);
  });
});

describe("the wheel", () => {
  const wheel = { x: 300, y: 150, deltaY: -100, pinch: false };

  test("is the page's on a whole picture, and enlarges with Ctrl or once enlarged", () => {
    expect(wheeled(WHOLE, FRAME, wheel)).toEqual(WHOLE);
    const close = wheeled(WHOLE, FRAME, { ...wheel, pinch: true });
    expect(close.scale).toBeGreaterThan(2);
    expect(wheeled(close, FRAME, wheel).scale).toBeGreaterThan(close.scale);
    expect(wheeled(close, FRAME, { ...wheel, deltaY: 1e9, pinch: true })).toEqual(WHOLE);
  });
});
