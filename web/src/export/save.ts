// Saves an exported file: as a download, or a large one straight into a file that the person chooses, where the browser
// can do that. Names tell camera and local time.

import { toLocal } from "../playback/local.ts";
import { safeName, saveBlob } from "../playback/save.ts";

interface Picker {
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<FileSystemFileHandle>;
}

/** `Front door 2026-11-22 14-03-07`. */
export function nameOf(camera: string, firstMs: number): string {
  return safeName(`${camera} ${toLocal(firstMs).replace("T", " ").replaceAll(":", "-")}`);
}

/** From this size on a download would copy the file once more, in bytes. */
const LARGE = 1024 * 1024 * 1024;

/** Saves `blob` under `name`; a large one where the person wants it. */
export async function saveFile(blob: Blob, name: string): Promise<void> {
  const pick = (globalThis as Picker).showSaveFilePicker;
  if (pick === undefined || blob.size < LARGE) return saveBlob(blob, name);
  try {
    const handle = await pick({ suggestedName: name });
    await blob.stream().pipeTo(await handle.createWritable());
  } catch (error) {
    // Nobody chose a file; any other failure: the download does it.
    if (!(error instanceof DOMException && error.name === "AbortError")) saveBlob(blob, name);
  }
}
