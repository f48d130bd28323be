// Short messages about things that are done. They leave by themselves after a while, unless they offer an action.
// What failed and needs an answer is a Notice where it happened, not a toast.

/** A message on its way. */
export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: "good" | "info" | "bad";
  readonly action?: { readonly label: string; readonly run: () => void } | undefined;
  /** About the app and nothing of a household: it stays when the app locks. */
  readonly ofApp: boolean;
}

/** How long a toast without an action stays, in milliseconds. */
const STAY_MS = 6_000;

/** Never more than these at once: the oldest goes. */
const MOST = 3;

let last = 0;
let list: readonly Toast[] = $state.raw([]);

/** Those shown now, oldest first. */
export const toasts = (): readonly Toast[] => list;

/** Shows a message, the same one never twice; the answer takes it away again. */
export function toast(
  text: string,
  options: Partial<Pick<Toast, "tone" | "action" | "ofApp">> = {},
): () => void {
  last += 1;
  const id = last;
  const { tone = "good", action, ofApp = false } = options;
  const others = list.filter((each) => each.text !== text);
  list = [...others, { id, text, tone, action, ofApp }].slice(-MOST);
  const leave = (): void => dismiss(id);
  if (options.action === undefined) setTimeout(leave, STAY_MS);
  return leave;
}

/** Takes a message away. */
export function dismiss(id: number): void {
  list = list.filter((each) => each.id !== id);
}

/** Takes away what was said about a household: the app locks. */
export function clearToasts(): void {
  list = list.filter(({ ofApp }) => ofApp);
}
