// One camera on one canvas, as the page sees it: says to the worker what is wanted, and keeps what the worker tells.

import { MsePlayer } from "../media/mse.ts";
import type { PageSpeaker } from "../media/speaker.ts";
import type { OpenRequest } from "./engine.ts";
import type { LiveState } from "./phase.ts";
import { FIRST_STATE } from "./phase.ts";
import { Pip } from "./pip.ts";
import type { FromWorker, LiveDetails, PlayerKind, Quality, ToWorker } from "./protocol.ts";

/** How long a view may be out of sight before it lets go, in milliseconds. */
const GRACE_MS = 1_500;

/** How long a snapshot may take, in milliseconds. */
const SNAPSHOT_MS = 5_000;

/** What a view needs of its engine. */
export interface EngineSide {
  readonly player: PlayerKind | null;
  readonly speaker: PageSpeaker;
  send(message: ToWorker, transfer?: Transferable[]): void;
  now(): number;
  silenceOthers(): void;
  closed(element: HTMLElement): void;
}

export class LiveView {
  readonly id: number;
  /** What the pictures are on: the canvas, or the browser's own player in its place. */
  readonly element: HTMLCanvasElement | HTMLVideoElement;
  readonly #request: OpenRequest;
  readonly #side: EngineSide;
  readonly #player: MsePlayer | null = null;
  readonly #snapshots = new Map<number, (blob: Blob | null) => void>();
  readonly #pip: Pip;
  #asked = true;
  #onScreen = true;
  #told = true;
  #leaving: ReturnType<typeof setTimeout> | undefined;
  #sound = false;
  #state: LiveState = FIRST_STATE;
  #details: LiveDetails | null = null;
  #closed = false;

  constructor(id: number, request: OpenRequest, side: EngineSide) {
    this.id = id;
    this.#request = request;
    this.#side = side;
    this.element = side.player === "mse" ? videoFor(request.canvas) : request.canvas;
    if (this.element instanceof HTMLVideoElement) this.#player = new MsePlayer(this.element);
    this.#pip = new Pip(this.element, () => this.look());
    this.#told = this.isVisible;
    if (side.player === null) queueMicrotask(() => this.fail());
  }

  /** Whether somebody may see it. */
  get isVisible(): boolean {
    const page = document.visibilityState === "visible" && this.#onScreen;
    return this.#asked && (page || this.#pip.isOpen);
  }

  get state(): LiveState {
    return this.#state;
  }

  /** Whether sound was asked for. */
  get hasSound(): boolean {
    return this.#sound;
  }

  /** Shown or not by the page itself; that it is off screen or the tab hidden is seen without being told. */
  setVisible(visible: boolean): void {
    this.#asked = visible;
    this.look();
  }

  /** Told by the engine. */
  setOnScreen(onScreen: boolean): void {
    this.#onScreen = onScreen;
    this.look();
  }

  /** Looks again whether anybody sees it. */
  look(): void {
    clearTimeout(this.#leaving);
    if (this.isVisible) this.#tellVisible(true);
    else this.#leaving = setTimeout(() => this.#tellVisible(false), GRACE_MS);
  }

  #tellVisible(visible: boolean): void {
    if (visible === this.#told || this.#closed) return;
    this.#told = visible;
    this.#side.send({ kind: "visible", id: this.id, visible });
  }

  setQuality(quality: Quality): void {
    this.#side.send({ kind: "quality", id: this.id, quality });
  }

  /** Sound on or off. To be called by a click or key. */
  async setSound(on: boolean): Promise<void> {
    if (!on) return this.silence();
    this.#sound = true;
    if (this.element instanceof HTMLVideoElement) {
      this.element.muted = false;
      this.#side.silenceOthers();
      return this.#tell(this.#state);
    }
    this.#side.silenceOthers();
    try {
      const port = await this.#side.speaker.open();
      if (!this.#sound) return port.close();
      this.#side.send({ kind: "sound", id: this.id, port }, [port]);
    } catch {
      this.#sound = false;
    }
  }

  /** Silence: another tile sounds. */
  silence(): void {
    const had = this.#sound;
    this.#sound = false;
    if (this.element instanceof HTMLVideoElement) {
      this.element.muted = true;
      if (!this.#closed) this.#tell(this.#state);
    } else if (had) {
      this.#side.send({ kind: "sound", id: this.id, port: null });
      this.#side.speaker.mute();
    }
  }

  /** A PNG of the picture on the screen with all of its pixels. Rejects while there is none. */
  async snapshot(): Promise<Blob> {
    const { element } = this;
    const blob =
      element instanceof HTMLVideoElement ? await grab(element) : await this.#askSnapshot();
    if (blob === null) throw new Error("there is no picture");
    return blob;
  }

  /** What is known of the stream; `null` while there is nothing. */
  details(): LiveDetails | null {
    return this.#details;
  }

  /** Picture in picture; gives whether it is open now. To be called by a click or key. */
  togglePip(): Promise<boolean> {
    return this.#pip.toggle();
  }

  /** Another try after it stopped. */
  retry(): void {
    this.#side.send({ kind: "retry", id: this.id });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#leaving);
    if (this.#sound) this.silence();
    this.#pip.close();
    this.#player?.close();
    if (this.element !== this.#request.canvas) this.element.remove();
    this.#side.closed(this.element);
  }

  /** The worker is broken, or this browser has no player. */
  fail(): void {
    this.#tell({ ...this.#state, phase: "stopped", stop: { kind: "failed" } });
  }

  /** Takes what the worker tells of this view. */
  hear(message: FromWorker): void {
    if (message.kind === "state") this.#tell(message.state);
    else if (message.kind === "details") this.#details = message.details;
    else if (message.kind === "media") this.#play(message);
    else if (message.kind === "snapshot") {
      this.#snapshots.get(message.request)?.(message.blob);
      this.#snapshots.delete(message.request);
    }
  }

  #tell(state: LiveState): void {
    this.#state = state;
    // The worker knows nothing of the sound of the browser's own player.
    const playing = this.#player !== null && this.#sound && state.sound === "muted";
    this.#request.onState(playing ? { ...state, sound: "playing" } : state);
  }

  #play({ init, bytes }: Extract<FromWorker, { kind: "media" }>): void {
    if (init === null) return this.#player?.append(bytes);
    if (this.#player?.begin(init.type, bytes) === true) return;
    this.#side.send({ kind: "unsupported", id: this.id, codec: init.codec });
  }

  #askSnapshot(): Promise<Blob | null> {
    return new Promise((resolve) => {
      const request = Math.random();
      this.#snapshots.set(request, resolve);
      setTimeout(() => resolve(null), SNAPSHOT_MS);
      this.#side.send({ kind: "snapshot", id: this.id, request });
    });
  }
}

/** The browser's own player in the place of a canvas. */
function videoFor(canvas: HTMLCanvasElement): HTMLVideoElement {
  const video = document.createElement("video");
  video.className = canvas.className;
  for (const name of ["role", "aria-label"])
    video.setAttribute(name, canvas.getAttribute(name) ?? "");
  canvas.hidden = true;
  canvas.after(video);
  return video;
}

function grab(video: HTMLVideoElement): Promise<Blob | null> {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
