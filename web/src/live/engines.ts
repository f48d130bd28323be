// One live engine for each unlocked account, whichever page wants it: going from page to page starts no new worker.
// It ends when the account locks.

import type { Unlocked } from "../account/session.ts";
import { LiveEngine } from "./engine.ts";
import type { PlayerKind } from "./protocol.ts";

/** In the session storage: `canvas` or `mse`, so that tests can choose a player. */
const WISH = "bartizan-player";

const engines = new WeakMap<Unlocked, LiveEngine>();

/** The engine of `session`. */
export function liveEngine(session: Unlocked): LiveEngine {
  const known = engines.get(session);
  if (known !== undefined) return known;
  const engine = new LiveEngine(session, wish());
  engines.set(session, engine);
  return engine;
}

function wish(): { player?: PlayerKind } {
  const wished = sessionStorage.getItem(WISH);
  return wished === "canvas" || wished === "mse" ? { player: wished } : {};
}
