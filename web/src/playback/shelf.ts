// Decoded pictures around the moment that is shown: a few ahead, and while somebody steps also some behind.
// Every picture that leaves the shelf is closed: decoders have few to lend.

/** What is kept of a `VideoFrame`. */
export interface Shown {
  /** Microseconds since 1970. */
  readonly timestamp: number;
  close(): void;
}

/** A moment in milliseconds as pictures have it; rounded, because a picture's own moment comes back by way of these. */
export function micros(timeMs: number): number {
  return Math.round(timeMs * 1_000);
}

/** Pictures in order of time. */
export class Shelf<F extends Shown> {
  /** Pictures that are kept behind the one that is shown. */
  behind = 0;
  #frames: F[] = [];

  /** Adds a picture. */
  put(frame: F): void {
    const at = this.#frames.findLastIndex(({ timestamp }) => timestamp <= frame.timestamp);
    this.#frames.splice(at + 1, 0, frame);
  }

  /** The picture of the moment `timeUs`; lets go of those before it. */
  current(timeUs: number): F | null {
    const at = this.#frames.findLastIndex(({ timestamp }) => timestamp <= timeUs);
    const gone = Math.max(0, at - this.behind);
    for (const frame of this.#frames.splice(0, gone)) frame.close();
    return at < 0 ? null : (this.#frames[at - gone] ?? null);
  }

  /** The first picture after `timeUs`. */
  next(timeUs: number): F | null {
    return this.#frames.find(({ timestamp }) => timestamp > timeUs) ?? null;
  }

  /** The last picture before `timeUs`. */
  previous(timeUs: number): F | null {
    return this.#frames.findLast(({ timestamp }) => timestamp < timeUs) ?? null;
  }

  /** How many pictures wait after `timeUs`. */
  ahead(timeUs: number): number {
    return this.#frames.reduce((sum, { timestamp }) => sum + Number(timestamp > timeUs), 0);
  }

  clear(): void {
    for (const frame of this.#frames.splice(0)) frame.close();
  }
}
