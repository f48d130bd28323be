// Picture in picture: a small window over everything else. A canvas is filmed into a `<video>`, because only those can
// go there.

/** Pictures a second that are filmed. */
const RATE = 30;

export class Pip {
  readonly #element: HTMLCanvasElement | HTMLVideoElement;
  readonly #changed: () => void;
  #video: HTMLVideoElement | null = null;
  isOpen = false;

  /** `changed` is told when the window opens or closes. */
  constructor(element: HTMLCanvasElement | HTMLVideoElement, changed: () => void) {
    this.#element = element;
    this.#changed = changed;
  }

  async toggle(): Promise<boolean> {
    if (this.isOpen) {
      await document.exitPictureInPicture();
      return false;
    }
    const video = this.#film();
    await ready(video);
    await video.requestPictureInPicture();
    this.#set(true);
    video.addEventListener("leavepictureinpicture", () => this.close(), { once: true });
    return true;
  }

  close(): void {
    if (this.isOpen && document.pictureInPictureElement === this.#video) {
      document.exitPictureInPicture().catch(() => undefined);
    }
    if (this.#video !== this.#element) {
      const stream = this.#video?.srcObject;
      if (stream instanceof MediaStream) for (const track of stream.getTracks()) track.stop();
      this.#video?.remove();
    }
    this.#video = null;
    this.#set(false);
  }

  #set(isOpen: boolean): void {
    if (isOpen === this.isOpen) return;
    this.isOpen = isOpen;
    this.#changed();
  }

  #film(): HTMLVideoElement {
    if (this.#element instanceof HTMLVideoElement) {
      this.#video = this.#element;
      return this.#element;
    }
    const video = document.createElement("video");
    video.muted = true;
    video.playsInline = true;
    video.srcObject = this.#element.captureStream(RATE);
    // Out of sight, but in the page: Safari films no other.
    video.className = "pip-source";
    this.#element.after(video);
    this.#video = video;
    void video.play();
    return video;
  }
}

function ready(video: HTMLVideoElement): Promise<void> {
  if (video.readyState >= HTMLMediaElement.HAVE_METADATA) return Promise.resolve();
  return new Promise((resolve, reject) => {
    video.addEventListener("loadedmetadata", () => resolve(), { once: true });
    setTimeout(() => reject(new Error("no picture came")), 3_000);
  });
}

/** Whether this browser has such windows. */
export function hasPip(): boolean {
  return "pictureInPictureEnabled" in document && document.pictureInPictureEnabled;
}
