// Saves what is on the screen as a PNG with all of its pixels, and says so.

import { t } from "../i18n/index.ts";
import { toast } from "../ui/toasts.svelte.ts";
import type { LiveView } from "./engine.ts";
import { snapshotName } from "./words.ts";

/** How long the browser has for taking the file over, in milliseconds. */
const KEEP_MS = 60_000;

/** `ms`: when, by the gateway's clock; the picture's own time of capture counts where it is known. */
export async function saveSnapshot(view: LiveView, camera: string, ms: number): Promise<void> {
  const { capturedMs, phase } = view.state;
  const at = phase === "live" ? ms : (capturedMs ?? ms);
  try {
    const file = snapshotName(camera, at);
    download(await view.snapshot(), file);
    toast(t("live.snapshot-saved", { file }));
  } catch {
    toast(t("live.snapshot-failed"), { tone: "bad" });
  }
}

function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEEP_MS);
}
