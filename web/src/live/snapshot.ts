// Saves what is on the screen as a PNG with all of its pixels, and says so.

import { t } from "../i18n/index.ts";
import { fileName, saveBlob } from "../ui/save.ts";
import { toast } from "../ui/toasts.svelte.ts";
import type { LiveView } from "./engine.ts";

/** `ms`: when, by the gateway's clock; the picture's own time of capture counts where it is known. */
export async function saveSnapshot(view: LiveView, camera: string, ms: number): Promise<void> {
  const { capturedMs, phase } = view.state;
  const at = phase === "live" ? ms : (capturedMs ?? ms);
  try {
    const file = `${fileName(camera, at)}.png`;
    saveBlob(await view.snapshot(), file);
    toast(t("live.snapshot-saved", { file }));
  } catch {
    toast(t("live.snapshot-failed"), { tone: "bad" });
  }
}
