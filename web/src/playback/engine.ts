// Playback for the page: one worker for all cameras that play in step. The page sees state, never a key or a
// clear picture. When the account locks, the worker ends and with it all that it had opened.

import type { Unlocked } from "../account/session.ts";
import type { Camera } from "../api/documents.ts";
import { trustedWorkerUrl } from "../ui/trusted.ts";
import type { Speed } from "./clock.ts";
import type { ToldGap } from "./gaps.ts";
import { Marks } from "./marks.ts";
import workerUrl from "./playback.worker.ts?worker&url";
import type { ClockState, Command, Report, ViewState } from "./protocol.ts";

/** What the page is told. */
export interface EngineEvents {
  clock(clock: ClockState): void;
  /** A stretch in which no camera recorded was passed over. */
  skipped(fromMs: number, toMs: number): void;
  /** Nothing works any more; `problem` is an API problem's type. */
  failed(problem: string): void;
}

/** What a view tells. */
export interface ViewEvents {
  state(state: ViewState): void;
  marks(marks: Marks): void;
}

/** How one camera is opened. A canvas serves one view only. */
export interface ViewRequest {
  readonly camera: Camera;
  readonly canvas: HTMLCanvasElement;
  readonly events: ViewEvents;
}

/** Cameras that play in step. */
export class PlaybackEngine {
  readonly #session: Unlocked;
  readonly #worker: Worker;
  readonly #events: EngineEvents;
  readonly #views = new Map<number, { events: ViewEvents; marks: Marks }>();
  readonly #answers = new Map<number, (answer: Report) => void>();
  #next = 0;
  #closed = false;

  constructor(session: Unlocked, events: EngineEvents) {
    this.#session = session;
    this.#events = events;
    this.#worker = new Worker(trustedWorkerUrl(workerUrl), { type: "module" });
    this.#worker.addEventListener("message", ({ data }: MessageEvent<Report>) => this.#on(data));
    this.#worker.addEventListener("error", () => events.failed("/problems/unknown"));
    session.signal.addEventListener("abort", () => this.close(), { once: true });
    this.#send({ kind: "begin", vault: session.vault, client: session.client.seed });
  }

  /** Opens a camera on a canvas. */
  open({ camera, canvas, events }: ViewRequest): PlaybackView {
    const view = this.#next++;
    this.#views.set(view, { events, marks: new Marks() });
    const surface = canvas.transferControlToOffscreen();
    const renditions = camera.streams.map(({ rendition }) => rendition);
    const open = { kind: "open", view, camera: camera.id, renditions, canvas: surface } as const;
    this.#send(open, [surface]);
    return {
      setSound: (port) => {
        this.#send({ kind: "sound", view, port }, port === null ? [] : [port]);
      },
      snapshot: () => this.#ask((request) => ({ kind: "snapshot", view, request })).then(pictureOf),
      gaps: (fromMs, toMs) =>
        this.#ask((request) => ({ kind: "gaps", view, request, fromMs, toMs })).then(gapsOf),
      close: () => {
        this.#views.delete(view);
        this.#send({ kind: "close", view });
      },
    };
  }

  play(playing: boolean): void {
    this.#send({ kind: "play", playing });
  }

  setSpeed(speed: Speed): void {
    this.#send({ kind: "speed", speed });
  }

  /** Jumps; the nearest earlier picture is shown until the exact one is decoded. */
  seek(timeMs: number): void {
    this.#send({ kind: "seek", timeMs });
  }

  /** A preview near `timeMs`. End with `seek`. */
  scrub(timeMs: number): void {
    this.#send({ kind: "scrub", timeMs });
  }

  /** One picture on (1) or back (-1). */
  step(direction: 1 | -1): void {
    this.#send({ kind: "step", direction });
  }

  /** Ends everything. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#worker.terminate();
    for (const answer of this.#answers.values()) answer({ kind: "fatal", problem: "closed" });
    this.#answers.clear();
    this.#views.clear();
  }

  #send(command: Command, transfer: Transferable[] = []): void {
    if (!this.#closed) this.#worker.postMessage(command, transfer);
  }

  #ask(command: (request: number) => Command): Promise<Report> {
    const request = this.#next++;
    return new Promise((answer) => {
      if (this.#closed) return answer({ kind: "fatal", problem: "closed" });
      this.#answers.set(request, answer);
      this.#send(command(request));
    });
  }

  #on(report: Report): void {
    if (this.#closed) return;
    switch (report.kind) {
      case "clock":
        return this.#events.clock(report.clock);
      case "skipped":
        return this.#events.skipped(report.fromMs, report.toMs);
      case "signed-out":
        return this.#session.client.signedOut();
      case "fatal":
        return this.#events.failed(report.problem);
      case "view":
        return this.#views.get(report.view)?.events.state(report.state);
      case "marks":
        return this.#onMarks(report);
      case "snapshot":
      case "gaps":
        this.#answers.get(report.request)?.(report);
        this.#answers.delete(report.request);
        return;
    }
  }

  #onMarks({ view, marks }: Extract<Report, { kind: "marks" }>): void {
    const found = this.#views.get(view);
    if (found === undefined) return;
    for (const { from, to, fault } of marks) {
      if (fault === null) found.marks.verify(from, to);
      else found.marks.blame(from, to, fault);
    }
    found.events.marks(found.marks);
  }
}

/** One camera of an engine. */
export interface PlaybackView {
  /** Sound of this camera alone, through a port to the audio worklet; `null`: silence. */
  setSound(port: MessagePort | null): void;
  /** What is shown, as PNG; `null` when nothing is. */
  snapshot(): Promise<Blob | null>;
  /** Why nothing was recorded between these. */
  gaps(fromMs: number, toMs: number): Promise<readonly ToldGap[]>;
  close(): void;
}

function pictureOf(report: Report): Blob | null {
  return report.kind === "snapshot" ? report.picture : null;
}

function gapsOf(report: Report): readonly ToldGap[] {
  return report.kind === "gaps" ? report.gaps : [];
}
