// Files that the app hands to a person: by the browser's own download, from this origin and without a copy on any server; a
// large one straight into a file that the person chooses, where the browser can do that.

/** How long the browser may take to begin, in milliseconds. */
const KEPT_MS = 60_000;

/** From this size on a download would copy the file once more, in bytes. */
const LARGE = 1024 * 1024 * 1024;

/** Longest name of a camera in a file's name, in characters. */
const MAX_NAME = 100;

interface Picker {
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<FileSystemFileHandle>;
}

/** `Front door 2026-11-22 14.03.07`, in the viewer's time zone: what a picture or video of `timeMs` is called. */
export function fileName(camera: string, timeMs: number): string {
  // Marks that turn the direction of a text are left out, so that it reads as it is; a leading dot would hide the file.
  const seen = camera.replaceAll(/\p{Cf}/gu, "").replace(/^[.\s]+/, "");
  // What some file system does not take.
  const plain = seen
    .replaceAll(/[\\/:*?"<>|\p{C}]/gu, "-")
    .trim()
    .slice(0, MAX_NAME);
  // Swedish dates are those of ISO 8601.
  const time = new Date(timeMs).toLocaleString("sv-SE").replaceAll(":", ".");
  return `${plain || "Camera"} ${time}`;
}

/** Saves `blob` under `name`. */
export function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}

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
