// One connection of one stream: a ticket, a WebSocket, and the opened records in order. Decryption starts when a
// message comes; results come in the order of the messages. It ends once, and is never used again.

import { ApiProblem } from "../api/client.ts";
import type { Code } from "../domain/errors.ts";
import { SealedError } from "../domain/errors.ts";
import type { CameraId } from "../domain/id.ts";
import type { HighWater } from "../sealed/highwater.ts";
import type { Rendition } from "../sealed/record.ts";
import type { Opened } from "../sealed/stream.ts";
import { StreamOpener } from "../sealed/stream.ts";
import { localNow } from "./clock.ts";
import type { Ending } from "./reconnect.ts";
import type { LiveVault } from "./vault.ts";

/** A connection on which nothing comes for so long is given up: phones change networks without a word. */
const SILENCE_MS = 12_000;

/** How long a stream may show what this app has seen before. A sealer signs every two seconds. */
const CATCH_UP_MS = 15_000;

/** Why a feed ended. */
export type FeedEnd = Ending | { readonly kind: "refused"; readonly code: Code | "replayed" };

export interface FeedRequest {
  readonly vault: LiveVault;
  readonly camera: CameraId;
  readonly rendition: Rendition;
  readonly floor: HighWater | undefined;
}

export interface FeedEvents {
  connected(): void;
  /** `at`: when the message came, in local milliseconds. */
  opened(opened: Opened, at: number): void;
  ended(end: FeedEnd): void;
}

export class Feed {
  readonly #request: FeedRequest;
  readonly #events: FeedEvents;
  readonly #opener: StreamOpener;
  readonly #abort = new AbortController();
  #socket: WebSocket | null = null;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #joined = 0;
  #over = false;
  /** Sealed bytes that came. */
  bytes = 0;

  constructor(request: FeedRequest, events: FeedEvents) {
    this.#request = request;
    this.#events = events;
    const { vault, camera, rendition, floor } = request;
    const { keys, rosters } = vault;
    const { history, lengthen } = rosters;
    const known = floor === undefined ? {} : { floor };
    const scope = { camera, rendition, rosters: history, keys };
    this.#opener = new StreamOpener({ ...scope, lengthen, ...known });
    void this.#open();
  }

  /** The highest manifest that came. */
  get highWater(): HighWater | null {
    return this.#opener.highWater;
  }

  /** Ends it without a word. */
  close(): void {
    this.#over = true;
    this.#abort.abort();
    clearTimeout(this.#silence);
    if (this.#socket !== null) hangUp(this.#socket);
    this.#socket = null;
  }

  async #open(): Promise<void> {
    const { vault, camera, rendition } = this.#request;
    try {
      const url = await vault.client.openLive(camera, rendition, this.#abort.signal);
      if (!this.#over) this.#listen(new WebSocket(url));
    } catch (error) {
      if (!this.#over) this.#end(endOf(error));
    }
  }

  #listen(socket: WebSocket): void {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    this.#joined = localNow();
    this.#watch();
    socket.onopen = () => this.#events.connected();
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) this.#take(new Uint8Array(data));
    };
    socket.onclose = () => this.#end({ kind: "closed" });
  }

  #take(bytes: Uint8Array<ArrayBuffer>): void {
    const at = localNow();
    this.bytes += bytes.length;
    this.#watch();
    this.#opener.push(bytes).then(
      (opened) => {
        for (const each of opened) if (!this.#over) this.#events.opened(each, at);
        this.#checkFresh(at);
      },
      (error: unknown) => this.#end(endOf(error)),
    );
  }

  /** A stream that runs for a while and still is behind what was seen is not live. */
  #checkFresh(at: number): void {
    const late = at - this.#joined > CATCH_UP_MS;
    if (late && !this.#opener.caughtUp) this.#end({ kind: "refused", code: "replayed" });
  }

  #watch(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#end({ kind: "silent" }), SILENCE_MS);
  }

  #end(end: FeedEnd): void {
    if (this.#over) return;
    this.close();
    this.#events.ended(end);
  }
}

/** One that is being made is ended once it is there: browsers report anything else as an error. */
function hangUp(socket: WebSocket): void {
  socket.onmessage = null;
  socket.onclose = null;
  if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
  else socket.close();
}

function endOf(error: unknown): FeedEnd {
  if (error instanceof SealedError) return { kind: "refused", code: error.code };
  if (!(error instanceof ApiProblem)) return { kind: "problem", status: 0 };
  const { status, retryAfterMs } = error;
  return { kind: "problem", status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}
