// Where one camera is drawn: a canvas that takes the pictures' own size, so that a snapshot has all of their
// pixels. It remembers which picture it shows, so that nothing is drawn twice.

/** One camera's canvas. */
export class Canvas {
  readonly #surface: OffscreenCanvas;
  readonly #context: OffscreenCanvasRenderingContext2D | null;
  #drawn: number | null = null;

  constructor(surface: OffscreenCanvas) {
    this.#surface = surface;
    this.#context = surface.getContext("2d", { alpha: false });
  }

  get width(): number {
    return this.#surface.width;
  }

  get height(): number {
    return this.#surface.height;
  }

  /** Capture time of the picture that is shown, in milliseconds since 1970. */
  get pictureMs(): number | null {
    return this.#drawn === null ? null : this.#drawn / 1_000;
  }

  draw(frame: VideoFrame): void {
    if (this.#drawn === frame.timestamp) return;
    this.#paint(frame, frame.displayWidth, frame.displayHeight);
    this.#drawn = frame.timestamp;
  }

  /** A picture whose own time is not the moment's. */
  drawPreview({ frame, timeMs }: { frame: VideoFrame; timeMs: number }): void {
    this.#paint(frame, frame.displayWidth, frame.displayHeight);
    this.#drawn = timeMs * 1_000;
  }

  clear(): void {
    if (this.#drawn === null) return;
    this.#context?.clearRect(0, 0, this.width, this.height);
    this.#drawn = null;
  }

  /** What is shown, as PNG. */
  async snapshot(): Promise<Blob | null> {
    if (this.#drawn === null) return null;
    return await this.#surface.convertToBlob({ type: "image/png" });
  }

  #paint(picture: CanvasImageSource, width: number, height: number): void {
    if (this.#surface.width !== width || this.#surface.height !== height) {
      this.#surface.width = width;
      this.#surface.height = height;
    }
    this.#context?.drawImage(picture, 0, 0, width, height);
  }
}
