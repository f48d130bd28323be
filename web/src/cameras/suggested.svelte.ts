// Cameras that the gateway was started with and that nobody has added yet. Their addresses may hold passwords: they stay
// in this page's memory, and a reload forgets them.

import type { SourceSettings } from "../api/documents.ts";

let list: readonly SourceSettings[] = $state.raw([]);

/** Those that are left. */
export const suggestedCameras = (): readonly SourceSettings[] => list;

/** After a claim. */
export function keepSuggested(sources: readonly SourceSettings[]): void {
  list = sources;
}

/** One of them is added. */
export function dropSuggested(source: SourceSettings): void {
  list = list.filter((each) => each !== source);
}
