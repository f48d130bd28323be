// Several cameras on one clock. It draws them in step, stands still while one has no picture yet, passes over
// stretches in which none was recording, steps through pictures, and changes plans when decoding can't keep up.

import type { Speed } from "./clock.ts";
import { Clock } from "./clock.ts";
import type { Report } from "./protocol.ts";
import type { View } from "./view.ts";
import { STEPS_BEHIND } from "./view.ts";

/** A camera is not waited for any longer than this, in milliseconds. */
const WAIT_MS = 4_000;

/** How often the page is told where the clock is, in milliseconds. */
const TELL_MS = 100;

/** A refresh that is this late means that nobody was looking, in milliseconds. */
const ASLEEP_MS = 2_000;

/** Over how long it is judged whether decoding keeps up, in milliseconds. */
const JUDGE_MS = 1_500;

/** The clock may stand still for this part of the time. */
const MAX_HELD = 0.3;

/** What a machine that can't keep up is taken to need more than was thought. */
const SLOWER = 1.7;

/** A step to a picture that has to be decoded first is waited for this long, in milliseconds. */
const STEP_MS = 8_000;

/** How far back decoding starts for a step back, in milliseconds. */
const STEP_BACK_MS = 250;

/** Views, and the moment of the picture that each of them shows. */
type Seen = readonly (readonly [View, number])[];

/** All views and their clock. */
export class Group {
  readonly views = new Map<number, View>();
  readonly clock: Clock;
  readonly #tell: (report: Report) => void;
  #ticking = false;
  #told = 0;
  #toldStates = new Map<number, string>();
  #ended = false;
  #scrubbing = false;
  #waitingSince: number | null = null;
  /** Time that was held, since the last judgement. */
  #judged = 0;
  #heldMs = 0;
  #lastTick = 0;
  /** Milliseconds for a megapixel, once it was found to be more than guessed. */
  #cost: number | null = null;
  #stepping = 0;

  constructor(timeMs: number, tell: (report: Report) => void) {
    this.clock = new Clock(timeMs, performance.now());
    this.#tell = tell;
  }

  /** The moment that is shown. */
  now(): number {
    return this.clock.at(performance.now());
  }

  /** Something changed: look at it with the next display refresh. */
  wake(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    nextFrame(() => {
      this.#ticking = false;
      this.#tick(performance.now());
    });
  }

  add(id: number, view: View): void {
    this.views.set(id, view);
    view.start(this.now(), this.#planOf(view));
    this.wake();
  }

  remove(id: number): void {
    this.views.get(id)?.close();
    this.views.delete(id);
    this.#toldStates.delete(id);
  }

  play(playing: boolean): void {
    this.#lastTick = performance.now();
    this.clock.play(playing, performance.now());
    if (playing) for (const view of this.views.values()) view.behind = 0;
    this.#ended = false;
    // Steps go through every picture, whatever the speed.
    if (playing && this.#stepping > 0) this.#replan();
    this.#stepping = 0;
    this.#rejudge();
    this.wake();
  }

  speed(speed: Speed): void {
    this.clock.setSpeed(speed, performance.now());
    // What was too much for a fast machine's worth of pictures says little about ordinary speed.
    if (speed <= 1) this.#cost = null;
    this.#replan();
    this.#rejudge();
    this.wake();
  }

  seek(timeMs: number): void {
    this.#scrubbing = false;
    this.#ended = false;
    this.#stepping = 0;
    this.clock.set(timeMs, performance.now());
    for (const view of this.views.values()) view.start(timeMs, this.#planOf(view));
    this.#rejudge();
    this.wake();
  }

  scrub(timeMs: number): void {
    this.#scrubbing = true;
    this.clock.set(timeMs, performance.now());
    for (const view of this.views.values()) view.scrub(timeMs).catch(() => undefined);
    this.wake();
  }

  /** Shows the next or the last picture of the first camera that has one, from those that are seen now. */
  async step(direction: 1 | -1): Promise<void> {
    this.clock.play(false, performance.now());
    this.#stepping += 1;
    const [stepping, here, views] = [this.#stepping, this.now(), [...this.views.values()]];
    for (const view of views) view.behind = STEPS_BEHIND;
    let seen: Seen = views.map((view) => [view, view.seenMs(here)]);
    if (views.some(({ plan }) => plan.frames === "keys")) {
      // Between keyframes nothing is decoded yet: the cameras meet at the last one that is seen.
      const latest = Math.max(...seen.map(([, timeMs]) => timeMs));
      seen = views.map((view) => [view, latest]);
      this.#decodeAround(latest);
    } else if (this.#stepTo(seen, direction)) {
      return;
    } else if (direction === -1) {
      this.#decodeAround(here);
    }
    const until = performance.now() + STEP_MS;
    while (stepping === this.#stepping && performance.now() < until) {
      await new Promise((wake) => setTimeout(wake, 15));
      const ready = seen.every(([view, timeMs]) => view.isReady(timeMs));
      if (ready && (this.#stepTo(seen, direction) || direction === -1)) return;
    }
  }

  /** Decodes every picture from a little before `timeMs` on. */
  #decodeAround(timeMs: number): void {
    this.#scrubbing = false;
    this.clock.set(timeMs, performance.now());
    const [from, cameras] = [timeMs - STEP_BACK_MS, this.views.size];
    for (const view of this.views.values()) {
      const plan = view.plan.frames === "all" ? view.plan : view.planFor(1, null, cameras);
      view.start(from, plan, STEPS_BEHIND);
    }
    this.wake();
  }

  #stepTo(seen: Seen, direction: 1 | -1): boolean {
    const times = seen
      .map(([view, timeMs]) => view.neighbour(timeMs, direction))
      .filter((time) => time !== null);
    if (times.length === 0) return false;
    this.#ended = false;
    const time = direction === 1 ? Math.min(...times) : Math.max(...times);
    this.clock.set(time, performance.now());
    this.wake();
    return true;
  }

  #tick(now: number): void {
    const views = [...this.views.values()];
    // The machine slept, or the page was hidden: go on where it stopped.
    if (now - this.#lastTick > ASLEEP_MS) this.clock.set(this.clock.at(this.#lastTick), now);
    const timeMs = this.clock.at(now);
    if (!this.#scrubbing) this.#hold(views, timeMs, now);
    const running = this.clock.playing && !this.clock.held && this.clock.speed === 1;
    for (const view of views) view.draw(timeMs, running && !this.#scrubbing);
    if (this.clock.playing && !this.#scrubbing) this.#passGaps(views, timeMs, now);
    this.#lastTick = now;
    this.#judge(now);
    this.#report(now);
    const busy = this.clock.playing || views.some((view) => !view.isReady(timeMs));
    if (busy) this.wake();
  }

  /** Stands still while a picture is missing, for a while. */
  #hold(views: readonly View[], timeMs: number, now: number): void {
    const waiting = views.some((view) => !view.isReady(timeMs));
    this.#waitingSince = waiting ? (this.#waitingSince ?? now) : null;
    const patient = this.#waitingSince !== null && now - this.#waitingSince < WAIT_MS;
    const others = views.some((view) => view.isReady(timeMs));
    const held = waiting && (patient || !others);
    if (this.clock.held && this.clock.playing) this.#heldMs += now - this.#lastTick;
    this.clock.hold(held, now);
  }

  /** Where no camera was recording, the clock leaps. */
  #passGaps(views: readonly View[], timeMs: number, now: number): void {
    const gaps = views.map((view) => view.gapAt(timeMs));
    if (views.length === 0 || gaps.some((gap) => gap === null)) return;
    const toMs = Math.min(...gaps.map((gap) => gap?.toMs ?? Number.POSITIVE_INFINITY));
    if (Number.isFinite(toMs)) {
      const fromMs = Math.max(...gaps.map((gap) => gap?.fromMs ?? timeMs));
      this.clock.set(toMs, now);
      this.#tell({ kind: "skipped", fromMs, toMs });
      return;
    }
    this.clock.play(false, now);
    this.#ended = true;
  }

  /** Decodes less where this machine can't keep up. */
  #judge(now: number): void {
    const span = now - this.#judged;
    if (!this.clock.playing || this.#scrubbing || span < JUDGE_MS) return;
    const slow = this.#heldMs / span > MAX_HELD;
    const could = [...this.views.values()].some(({ plan }) => plan.frames === "all");
    this.#rejudge();
    // Keyframes alone are late because of the network, which no other plan helps.
    if (!slow || !could) return;
    this.#cost = (this.#cost ?? 3.5) * SLOWER;
    this.#replan();
  }

  #rejudge(): void {
    this.#judged = performance.now();
    this.#heldMs = 0;
  }

  #replan(): void {
    const timeMs = this.now();
    for (const view of this.views.values()) {
      const plan = this.#planOf(view);
      const { rendition, frames } = view.plan;
      if (plan.rendition !== rendition || plan.frames !== frames) view.start(timeMs, plan);
    }
  }

  #planOf(view: View) {
    return view.planFor(this.clock.speed, this.#cost, this.views.size);
  }

  #report(now: number): void {
    if (this.clock.playing && now - this.#told < TELL_MS) return;
    this.#told = now;
    const timeMs = this.clock.at(now);
    const { playing, held, speed } = this.clock;
    this.#tell({ kind: "clock", clock: { timeMs, playing, held, speed, ended: this.#ended } });
    for (const [id, view] of this.views) {
      const state = view.state(timeMs);
      const text = JSON.stringify(state);
      if (this.#toldStates.get(id) === text) continue;
      this.#toldStates.set(id, text);
      this.#tell({ kind: "view", view: id, state });
    }
  }
}

/** With the next display refresh; without a display (a hidden page) now and then. */
function nextFrame(run: () => void): void {
  if (typeof requestAnimationFrame === "function") requestAnimationFrame(run);
  else setTimeout(run, 16);
}
