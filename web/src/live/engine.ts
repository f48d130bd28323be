// The live engine of a page: one worker, and a view for each canvas that shows a camera. It knows when the page is
// looked at; it holds no key and no clear access unit, but for the browser's own player where nothing else is there.

import type { Unlocked } from "../account/session.ts";
import type { Camera } from "../api/documents.ts";
import { hasMediaSource } from "../media/mse.ts";
import { PageSpeaker } from "../media/speaker.ts";
import type { Rendition } from "../sealed/record.ts";
import { trustedWorkerUrl } from "../ui/trusted.ts";
import { localNow } from "./clock.ts";
import workerUrl from "./live.worker.ts?worker&url";
import type { LiveState } from "./phase.ts";
import type { FromWorker, PlayerKind, Quality, ToWorker } from "./protocol.ts";
import type { EngineSide } from "./view.ts";
import { LiveView } from "./view.ts";

export type { LiveState } from "./phase.ts";
export type { LiveDetails, Quality } from "./protocol.ts";
export type { LiveView } from "./view.ts";

/** What a view is opened with. */
export interface OpenRequest {
  readonly camera: Camera;
  /** A fresh canvas: it can be given away only once. */
  readonly canvas: HTMLCanvasElement;
  readonly quality: Quality;
  onState(state: LiveState): void;
}

export interface EngineOptions {
  /** Which player to use, for tests; absent: the best that there is. */
  readonly player?: PlayerKind;
}

/** Whether pictures can be decoded and drawn in a worker. */
function hasWorkerPlayer(): boolean {
  const canvas = typeof OffscreenCanvas !== "undefined";
  const transfer = "transferControlToOffscreen" in HTMLCanvasElement.prototype;
  return canvas && transfer && typeof VideoDecoder !== "undefined";
}

function bestPlayer(): PlayerKind | null {
  if (hasWorkerPlayer()) return "canvas";
  return hasMediaSource() ? "mse" : null;
}

export class LiveEngine {
  readonly #session: Unlocked;
  readonly #worker: Worker;
  readonly #views = new Map<number, LiveView>();
  readonly #speaker = new PageSpeaker();
  readonly #observer: IntersectionObserver;
  readonly #ending = new AbortController();
  /** `null`: this browser can show nothing. */
  readonly player: PlayerKind | null;
  #offset = 0;
  #next = 1;
  #closed = false;

  constructor(session: Unlocked, options: EngineOptions = {}) {
    this.#session = session;
    this.player = options.player ?? bestPlayer();
    this.#worker = new Worker(trustedWorkerUrl(workerUrl), { type: "module", name: "live" });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data);
    this.#worker.onerror = () => this.#fail();
    this.#send({ kind: "start", vault: session.vault, client: session.client.seed });
    this.#observer = new IntersectionObserver((entries) => this.#seen(entries));
    const { signal } = this.#ending;
    document.addEventListener("visibilitychange", () => this.#look(), { signal });
    addEventListener("online", () => this.hurry(), { signal });
    session.signal.addEventListener("abort", () => this.close(), { signal });
  }

  /** The gateway's time now, in milliseconds since 1970. */
  now(): number {
    return localNow() + this.#offset;
  }

  /** Shows a camera on a canvas. */
  open(request: OpenRequest): LiveView {
    const { camera, canvas, quality } = request;
    const id = this.#next;
    this.#next += 1;
    const view = new LiveView(id, request, this.#side(id));
    this.#views.set(id, view);
    this.#observer.observe(view.element);
    const renditions = camera.streams.map(({ rendition }) => rendition);
    const offscreen = this.player === "canvas" ? canvas.transferControlToOffscreen() : null;
    const tile = {
      id,
      camera: camera.id,
      renditions,
      quality,
      visible: view.isVisible,
      floors: this.#floors(camera, renditions),
      canvas: offscreen,
    };
    this.#send({ kind: "open", tile }, offscreen === null ? [] : [offscreen]);
    return view;
  }

  /** The gateway answers again: lost streams are tried at once instead of later. */
  hurry(): void {
    this.#send({ kind: "hurry" });
  }

  /** Ends the worker: every connection, decoder and key in it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ending.abort();
    for (const view of [...this.#views.values()]) view.close();
    this.#observer.disconnect();
    this.#speaker.close();
    this.#worker.terminate();
  }

  #side(id: number): EngineSide {
    return {
      player: this.player,
      send: (message, transfer) => this.#send(message, transfer),
      speaker: this.#speaker,
      now: () => this.now(),
      silenceOthers: () => {
        for (const view of this.#views.values()) if (view.id !== id) view.silence();
      },
      closed: (element) => {
        this.#views.delete(id);
        this.#observer.unobserve(element);
        this.#send({ kind: "close", id });
      },
    };
  }

  #floors(camera: Camera, renditions: readonly Rendition[]) {
    const known = renditions.map((rendition) => [
      rendition,
      this.#session.floor(camera.id, rendition),
    ]);
    return Object.fromEntries(known.filter(([, floor]) => floor !== undefined));
  }

  #send(message: ToWorker, transfer: Transferable[] = []): void {
    if (!this.#closed || message.kind === "close") this.#worker.postMessage(message, transfer);
  }

  #hear(message: FromWorker): void {
    if (message.kind === "clock" || message.kind === "ready") this.#offset = message.offset;
    else if (message.kind === "failed") this.#fail();
    else if (message.kind === "signed-out") this.#session.client.signedOut();
    else if (message.kind === "head") {
      this.#session.noteHead(message.camera, message.rendition, message.high);
    } else this.#views.get(message.id)?.hear(message);
  }

  /** The worker can't start or broke: every tile says so. */
  #fail(): void {
    for (const view of this.#views.values()) view.fail();
  }

  #seen(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      for (const view of this.#views.values()) {
        if (view.element === target) view.setOnScreen(isIntersecting);
      }
    }
  }

  #look(): void {
    for (const view of this.#views.values()) view.look();
  }
}
