// Every worker of the app is heard: when live, playback or an export is told that this device is signed out, the page's own
// client is.

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Camera } from "../api/documents.ts";
import { exportRange } from "../export/export.ts";
import { LiveEngine } from "../live/engine.ts";
import { PlaybackEngine } from "../playback/engine.ts";
import type { Unlocked } from "./session.ts";

/** What a page starts as a worker; tests speak for it. */
class FakeWorker extends EventTarget {
  static last: FakeWorker | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  readonly sent: unknown[] = [];
  ended = false;

  constructor() {
    super();
    FakeWorker.last = this;
  }

  postMessage(message: unknown): void {
    this.sent.push(message);
  }

  terminate(): void {
    this.ended = true;
  }

  say(data: unknown): void {
    const event = new MessageEvent("message", { data });
    this.onmessage?.(event);
    this.dispatchEvent(event);
  }
}

class NoObserver {
  disconnect(): void {
    // Nothing is observed.
  }
}

function session() {
  const ending = new AbortController();
  const client = { seed: {}, signedOut: vi.fn(() => ending.abort()) };
  const unlocked = { client, vault: {}, signal: ending.signal, floor: () => undefined };
  return { client, unlocked: unlocked as unknown as Unlocked };
}

beforeEach(() => {
  vi.stubGlobal("location", { origin: "http://localhost:8440" });
  vi.stubGlobal("document", new EventTarget());
  vi.stubGlobal("addEventListener", () => undefined);
  vi.stubGlobal("HTMLCanvasElement", class {});
  vi.stubGlobal("IntersectionObserver", NoObserver);
  vi.stubGlobal("Worker", FakeWorker);
});

afterEach(() => {
  vi.unstubAllGlobals();
});

const nothing = () => undefined;

function exporting(unlocked: Unlocked): void {
  const { signal } = new AbortController();
  const camera = { id: "cam", streams: [] } as unknown as Camera;
  const range = { rendition: "main", fromMs: 0, toMs: 1 } as const;
  const request = { session: unlocked, camera, ...range, onProgress: nothing, signal };
  exportRange(request).catch(nothing);
}

test.each<[string, (session: Unlocked) => unknown]>([
  ["live", (unlocked) => new LiveEngine(unlocked)],
  [
    "playback",
    (unlocked) =>
      new PlaybackEngine(unlocked, { clock: nothing, skipped: nothing, failed: nothing }),
  ],
  ["an export", exporting],
])("the worker of %s", async (_name, begin) => {
  const { client, unlocked } = session();
  begin(unlocked);
  const worker = FakeWorker.last;
  expect(worker?.sent).toHaveLength(1);
  worker?.say({ kind: "signed-out" });
  expect(client.signedOut).toHaveBeenCalledOnce();
  await vi.waitFor(() => expect(worker?.ended).toBe(true));
});
