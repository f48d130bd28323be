// The roster as a worker knows it: verified from its seed, and lengthened when something names statements that are not
// known yet. What a page knows, appends and keeps is `roster-log.ts`.

import { fromBase64Url } from "../api/base64.ts";
import type { Statements } from "../api/documents.ts";
import { demand, refuse } from "../domain/errors.ts";
import type { Hash } from "../domain/id.ts";
import type { Roster } from "../identity/roster/state.ts";
import { decodeStatement } from "../identity/roster/statement.ts";
import type { RosterHistory } from "../sealed/roster.ts";

/** Answers that are taken at once: a roster of the largest size, in the gateway's largest answers. */
const MAX_ANSWERS = 256;

/** Asks the gateway for a document. */
type Get = <T>(path: string) => Promise<T>;

/** What is known about who belongs to the household; it only grows. */
export class Rosters {
  readonly history: RosterHistory;
  readonly #get: Get;
  #lengthening: Promise<void> | null = null;

  constructor(history: RosterHistory, get: Get) {
    this.history = history;
    this.#get = get;
  }

  /** The roster with this head; asks the gateway for statements when it is not known yet. */
  async at(head: Hash): Promise<Roster | undefined> {
    const known = this.history.at(head);
    if (known !== undefined) return known;
    await this.lengthen();
    return this.history.at(head);
  }

  /** Adds what the roster has gained. Calls that overlap share one fetch. */
  readonly lengthen = (): Promise<void> => {
    this.#lengthening ??= this.#lengthen().finally(() => {
      this.#lengthening = null;
    });
    return this.#lengthening;
  };

  async #lengthen(): Promise<void> {
    for (let answers = 0; answers < MAX_ANSWERS; answers += 1) {
      const from = this.history.current.length;
      const { statements } = await this.#get<Statements>(`/roster?from=${from}`);
      if (statements.length === 0) return;
      for (const text of statements) await this.#take(text);
    }
  }

  async #take(text: string): Promise<void> {
    const bytes = fromBase64Url(text) ?? refuse("unknown", "statement");
    const statement = await decodeStatement(bytes);
    demand(statement.sequence === this.history.current.length, "not-next", "statement");
    await this.history.add(statement);
  }
}
