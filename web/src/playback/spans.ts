// Which stretches of one stream were recorded: fetched by days that are looked at, several in one question, kept, and
// asked anew at the live end. Pure but for the question; the timeline draws what is known and is told when more is.

import type { Get, Stream } from "./segments.ts";

/** Recorded without a break of two seconds or more; milliseconds since 1970. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** What is kept together. */
export const DAY_MS = 86_400_000;

/** Days that one question covers at most: a month is a few questions, and the newest part of it is there first. */
export const MAX_ASKED_DAYS = 8;

/** Days that are kept: more than any timeline shows. */
export const MAX_DAYS = 64;

/** Spans that one answer of the gateway holds at most. */
const ANSWER = 10_000;

/** The live end is asked for again after this long. */
export const REFRESH_MS = 5_000;

/** Questions on their way at once, and how long none is asked after one failed. */
const MAX_ASKING = 3;
const REST_MS = 3_000;

/** What ended this long ago is only asked for once. */
const SETTLED_MS = 60_000;

/** So much of what is known is asked for again, so that the answers join. */
const OVERLAP_MS = 10_000;

/** Spans with less between them than this are drawn and told as one. */
const JOINED_MS = 2_000;

interface Day {
  readonly spans: readonly Span[];
  readonly askedMs: number;
  readonly settled: boolean;
}

/** The recorded stretches of one stream. */
export class SpanIndex {
  readonly #get: Get;
  readonly #path: string;
  readonly #now: () => number;
  readonly #days = new Map<number, Day>();
  readonly #asking = new Set<number>();
  #questions = 0;
  #restsUntil = 0;
  #known: { key: string; spans: readonly Span[] } | null = null;
  #version = 0;

  constructor(get: Get, { camera, rendition }: Stream, now: () => number = Date.now) {
    this.#get = get;
    this.#path = `/cameras/${camera}/recordings?rendition=${rendition}`;
    this.#now = now;
  }

  /** What is known of `from … to`, in order; `complete` when all of it was asked for. */
  within(from: number, to: number): { spans: readonly Span[]; complete: boolean } {
    const days = daysOf(from, Math.min(to, this.#now()));
    const complete = days.every((day) => this.#days.has(day));
    const key = `${days[0] ?? 0}-${days.at(-1) ?? 0}-${this.#version}`;
    if (this.#known?.key !== key) {
      const spans = join(days.flatMap((day) => this.#days.get(day)?.spans ?? []));
      this.#known = { key, spans };
    }
    return { spans: this.#known.spans, complete };
  }

  /** Asks for what is missing of `from … to`, newest first; tells `changed` after each answer. */
  async load(from: number, to: number, changed: () => void, signal?: AbortSignal): Promise<void> {
    const now = this.#now();
    const wanted = daysOf(from, Math.min(to, now)).reverse().slice(0, MAX_DAYS);
    for (;;) {
      // Whoever draws asks again with every picture: no more than a few questions are on their way at once.
      if (this.#questions >= MAX_ASKING || this.#now() < this.#restsUntil) return;
      const days = this.#missing(wanted, now);
      if (days.length === 0) return;
      for (const day of days) this.#asking.add(day);
      this.#questions += 1;
      try {
        await this.#ask(days, signal);
      } catch (error) {
        this.#restsUntil = this.#now() + REST_MS;
        throw error;
      } finally {
        this.#questions -= 1;
        for (const day of days) this.#asking.delete(day);
      }
      changed();
    }
  }

  /** Those of the days, newest first, that the next question is about: one that grows, or a row of unknown ones. */
  #missing(wanted: readonly number[], now: number): number[] {
    const isDue = (day: number) => {
      const kept = this.#days.get(day);
      const fresh = kept?.settled === true || now - (kept?.askedMs ?? -REFRESH_MS) < REFRESH_MS;
      return !fresh && !this.#asking.has(day);
    };
    const first = wanted.findIndex(isDue);
    const [newest] = wanted.slice(first, first + 1);
    if (first < 0 || newest === undefined) return [];
    if (this.#days.has(newest)) return [newest];
    const row = wanted.slice(first, first + MAX_ASKED_DAYS);
    const end = row.findIndex((day) => this.#days.has(day) || !isDue(day));
    return end < 0 ? row : row.slice(0, end);
  }

  /** The span in which `time` lies, else the next one that is known. */
  at(time: number): Span | null {
    const { spans } = this.within(time - DAY_MS, time + DAY_MS);
    return spans.find(({ endMs }) => endMs > time) ?? null;
  }

  /** Asks for days that follow each other, newest first. */
  async #ask(days: readonly number[], signal?: AbortSignal): Promise<void> {
    const asked = this.#now();
    const [newest = 0, oldest = newest] = [days[0], days.at(-1)];
    const to = (newest + 1) * DAY_MS;
    // At the live end only what is new since the last answer is asked for.
    const known = this.#days.get(oldest)?.spans ?? [];
    const spans = [...known];
    let start: number | null = Math.max(oldest * DAY_MS, (known.at(-1)?.endMs ?? 0) - OVERLAP_MS);
    while (start !== null) {
      const path = `${this.#path}&from=${Math.floor(start)}&to=${to}`;
      const answer: { spans: Span[] } = await this.#get(path, signal);
      spans.push(...answer.spans);
      const end = answer.spans.at(-1)?.endMs ?? to;
      start = answer.spans.length >= ANSWER && end > start ? end : null;
    }
    const joined = join(spans);
    for (const day of days) this.#keep(day, joined, asked);
    this.#version += 1;
  }

  #keep(day: number, spans: readonly Span[], askedMs: number): void {
    const [from, to] = [day * DAY_MS, (day + 1) * DAY_MS];
    const own = spans.filter(({ startMs, endMs }) => startMs < to && endMs > from);
    const inside = own.map(({ startMs, endMs }) => ({
      startMs: Math.max(from, startMs),
      endMs: Math.min(to, endMs),
    }));
    this.#days.set(day, { spans: inside, askedMs, settled: to + SETTLED_MS < askedMs });
    for (const oldest of this.#days.keys()) {
      if (this.#days.size <= MAX_DAYS) break;
      this.#days.delete(oldest);
    }
  }
}

/** Numbers of the days that `from … to` touches. */
function daysOf(from: number, to: number): number[] {
  const [first, last] = [Math.floor(from / DAY_MS), Math.floor((to - 1) / DAY_MS)];
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
}

/** One list without overlaps: a span that goes on over midnight is in two answers. */
export function join(spans: readonly Span[]): Span[] {
  const out: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.startMs - b.startMs)) {
    const last = out.at(-1);
    if (last === undefined || span.startMs - last.endMs >= JOINED_MS) out.push({ ...span });
    else if (span.endMs > last.endMs) out[out.length - 1] = { ...last, endMs: span.endMs };
  }
  return out;
}

/** The stretches between spans that are within `from … to`. */
export function holes(spans: readonly Span[], from: number, to: number): Span[] {
  const out: Span[] = [];
  let at = from;
  for (const { startMs, endMs } of spans) {
    if (startMs > at && startMs <= to) out.push({ startMs: at, endMs: startMs });
    at = Math.max(at, endMs);
  }
  return out;
}

/** The hole between two spans in which `timeMs` lies; nothing before the first and after the last one is a hole. */
export function holeIn(spans: readonly Span[], timeMs: number, reachMs: number): Span | null {
  const [first] = spans;
  if (first === undefined) return null;
  const found = holes(spans, first.startMs, timeMs + reachMs);
  return found.find(({ startMs, endMs }) => startMs <= timeMs && timeMs < endMs) ?? null;
}
