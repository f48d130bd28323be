// Keys of the playback page, as players have them: k plays and pauses, j and l leap, comma and full stop step.

import type { Player } from "./player.svelte.ts";

/** How far j and l leap, in milliseconds. */
export const LEAP_MS = 10_000;

/** Does what a key means; gives whether it meant something. Keys that write are left alone. */
export function shortcut(player: Player, event: KeyboardEvent): boolean {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return false;
  if (key === "k") player.play(!player.clock.playing);
  else if (key === "j") player.leap(-LEAP_MS);
  else if (key === "l") player.leap(LEAP_MS);
  else if (key === ",") player.step(-1);
  else if (key === ".") player.step(1);
  else return false;
  return true;
}
