// Hands a file to the browser's own download, from this origin and without a copy on any server.

/** How long the browser may take to begin, in milliseconds. */
const KEPT_MS = 60_000;

/** Saves `blob` under `name`. */
export function saveBlob(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = safeName(name);
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
}

/** A name that every file system takes, and that reads as it is: marks that turn the direction of a text are left out. */
export function safeName(name: string): string {
  const seen = name.replaceAll(/\p{Cf}/gu, "");
  const plain = seen.replaceAll(/[\\/:*?"<>|\p{Cc}]/gu, "-").trim();
  return plain === "" ? "recording" : plain.slice(0, 120);
}
