// One growing line of presentation times out of a stream's: every session of a camera counts from anew, and a picture
// on the line says what was captured when. Sound and picture of a session stay together.

/** How far the line moves on between two sessions, in microseconds. */
const BETWEEN_US = 1_000_000;

export class Line {
  #session: number | null = null;
  #offset = 0;
  #end = 0;

  /** The place of `pts` ticks on the line, in microseconds. */
  at(session: number, pts: bigint, timescale: number): number {
    const micros = (Number(pts) / timescale) * 1e6;
    if (session !== this.#session) {
      this.#session = session;
      this.#offset = this.#end + BETWEEN_US - micros;
    }
    const place = Math.round(micros + this.#offset);
    this.#end = Math.max(this.#end, place);
    return place;
  }
}
