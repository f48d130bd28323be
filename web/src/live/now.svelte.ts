// The time for ages that are shown: goes on once a second while somebody reads it.

import { createSubscriber } from "svelte/reactivity";

const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, 1_000);
  return () => clearInterval(timer);
});

/** `now()` of a clock; whoever reads it in a component is told of each second. */
export function ticking(clock: { now(): number }): number {
  subscribe();
  return clock.now();
}
