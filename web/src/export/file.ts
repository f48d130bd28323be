// A file that grows in pieces outside of this worker's own memory: the browser keeps Blobs where it has room. At the
// end a few bytes near the front are written over, and the whole is hashed piece by piece.

import type { Bytes } from "../domain/bytes.ts";
import { Sha256 } from "./sha256.ts";

/** Bytes that become one Blob. */
const PIECE = 8 * 1024 * 1024;

/** A file in the making. */
export class GrowingFile {
  readonly #pieces: Blob[] = [];
  #waiting: Bytes[] = [];
  #waitingBytes = 0;
  length = 0;

  append(parts: readonly Bytes[]): void {
    for (const part of parts) {
      this.#waiting.push(part);
      this.#waitingBytes += part.length;
      this.length += part.length;
    }
    if (this.#waitingBytes >= PIECE) this.#flush();
  }

  /** Writes over bytes of the first piece. */
  async patch(offset: number, bytes: Bytes): Promise<void> {
    this.#flush();
    const [first] = this.#pieces;
    if (first === undefined || offset + bytes.length > first.size) throw new RangeError("patch");
    const end = offset + bytes.length;
    this.#pieces[0] = new Blob([first.slice(0, offset), bytes, first.slice(end)]);
  }

  /** The whole file and its SHA-256. */
  async finish(type: string): Promise<{ blob: Blob; hash: Bytes }> {
    this.#flush();
    const hash = new Sha256();
    for (const piece of this.#pieces) hash.update(new Uint8Array(await piece.arrayBuffer()));
    return { blob: new Blob(this.#pieces, { type }), hash: hash.finish() };
  }

  #flush(): void {
    if (this.#waiting.length === 0) return;
    this.#pieces.push(new Blob(this.#waiting));
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}
