// The rosters of a site as they were, one after each statement: an envelope is judged by the one whose
// head it names, not by today's. Statements are verified once, when they are added.

import type { Bytes } from "../domain/bytes.ts";
import { demand } from "../domain/errors.ts";
import type { Hash } from "../domain/id.ts";
import { perform } from "../identity/roster/perform.ts";
import { apply, begin } from "../identity/roster/rules.ts";
import type { Roster } from "../identity/roster/state.ts";
import type { Statement } from "../identity/roster/statement.ts";

/** States that are kept ready; an older one is worked out again from the statements. */
const KEPT_STATES = 64;

/** A verified roster with its past. It holds at most 65,536 statements (the roster's own limit). */
export class RosterHistory {
  readonly #statements: Statement[];
  readonly #first: Roster;
  readonly #places = new Map<Hash, number>();
  readonly #kept = new Map<Hash, Roster>();
  #current: Roster;
  #adding: Promise<void> = Promise.resolve();

  private constructor(statement: Statement, roster: Roster) {
    this.#statements = [statement];
    this.#first = roster;
    this.#current = roster;
    this.#keep(roster, 0);
  }

  /** Starts with the genesis whose hash the app pinned when it joined the site. */
  static async begin(genesis: Statement, pinned: Hash): Promise<RosterHistory> {
    const roster = await begin(genesis);
    demand(roster.genesis === pinned, "other-site", "roster");
    return new RosterHistory(genesis, roster);
  }

  /** The roster of today. */
  get current(): Roster {
    return this.#current;
  }

  /** The canonical bytes of every statement, the genesis first: what a proof carries. */
  get statements(): readonly Bytes[] {
    return this.#statements.map(({ bytes }) => bytes);
  }

  /**
   * Verifies the next statement and takes it over; on a refusal nothing changes. Calls may overlap: they
   * take effect in the order in which they were made, however long each signature takes to check.
   */
  add(statement: Statement): Promise<void> {
    const added = this.#adding.then(() => this.#take(statement));
    this.#adding = added.catch(() => undefined);
    return added;
  }

  async #take(statement: Statement): Promise<void> {
    this.#current = await apply(this.#current, statement);
    this.#statements.push(statement);
    this.#keep(this.#current, this.#statements.length - 1);
  }

  /** The roster with this head, or `undefined` when it never had it. */
  at(head: Hash): Roster | undefined {
    const place = this.#places.get(head);
    return place === undefined ? undefined : (this.#kept.get(head) ?? this.#again(place));
  }

  #again(place: number): Roster {
    const applied = this.#statements.slice(1, place + 1);
    return applied.reduce<Roster>((roster, { operation, hash }) => {
      return { ...perform(roster, operation), length: roster.length + 1n, head: hash };
    }, this.#first);
  }

  #keep(roster: Roster, place: number): void {
    this.#places.set(roster.head, place);
    this.#kept.set(roster.head, roster);
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > KEPT_STATES && !oldest.done) this.#kept.delete(oldest.value);
  }
}
