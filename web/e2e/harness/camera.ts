// Cameras: the synthetic one of the gateway itself, and GStreamer's server with real footage, as the system tests use it.

import { execFileSync } from "node:child_process";
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { Background } from "./background.ts";
import { fixtures, repository } from "./place.ts";

/** Debian's own interpreter: others lack GStreamer's bindings. */
const PYTHON = "/usr/bin/python3";

/** What a synthetic camera may be told (`shell/synthetic`). */
export interface Synthetic {
  readonly width?: number;
  readonly height?: number;
  readonly fps?: number;
  /** A time such as `10s`. */
  readonly gop?: string;
  /** Such as `1500k`. */
  readonly bitrate?: string;
  readonly audio?: boolean;
  readonly label?: string;
  readonly seed?: number;
  readonly canary?: string;
}

export function synthetic(options: Synthetic = {}): string {
  const pairs = Object.entries(options).map(([name, value]) => [name, String(value)]);
  return pairs.length > 0 ? `synthetic:?${new URLSearchParams(pairs)}` : "synthetic:";
}

const ENCODERS = {
  street264: "-c:v libx264 -preset veryfast -bf 0 -g 20 -sc_threshold 0 -b:v 1500k",
  street265:
    "-c:v libx265 -preset ultrafast -tag:v hvc1 -b:v 1000k -x265-params " +
    "log-level=none:keyint=20:min-keyint=20:bframes=0:open-gop=0:scenecut=0",
} as const;

export type Clip = keyof typeof ENCODERS;

const FOOTAGE = "/usr/share/doc/opencv-doc/examples/data/vtest.avi";

/** Real footage (the street scene of Debian's `opencv-doc`), encoded once, the same as `tests/src/clips.rs` makes. */
function clip(name: Clip): string {
  const path = join(fixtures(), `${name}.mp4`);
  if (existsSync(path)) {
    return path;
  }
  const plain = join(fixtures(), "vtest.avi");
  if (!existsSync(FOOTAGE) && !existsSync(plain)) {
    const unpack = [
      "-c",
      `gunzip -c "$1.gz" > "$2.$$.part" && mv "$2.$$.part" "$2"`,
      "sh",
      FOOTAGE,
      plain,
    ];
    execFileSync("sh", unpack);
  }
  const part = join(fixtures(), `${name}.${process.pid}.part.mp4`);
  const sound = "sine=frequency=440:beep_factor=4:sample_rate=48000:duration=20";
  const input = [
    "-t",
    "20",
    "-i",
    existsSync(FOOTAGE) ? FOOTAGE : plain,
    "-f",
    "lavfi",
    "-i",
    sound,
  ];
  const picture = ["-pix_fmt", "yuv420p", "-r", "10", ...ENCODERS[name].split(" ")];
  const rest = ["-map", "0:v", "-map", "1:a", ...picture, "-c:a", "aac", "-b:a", "64k", "-ac", "1"];
  execFileSync("ffmpeg", ["-nostdin", "-y", "-v", "error", ...input, ...rest, part]);
  renameSync(part, path);
  return path;
}

/** A camera that is not ours. */
export class Footage {
  readonly #process: Background;
  readonly #words: readonly string[];
  #url = "";

  private constructor(words: readonly string[]) {
    this.#words = words;
    this.#process = new Background(PYTHON, words);
  }

  /** Serves `name` at a free port of this machine. */
  static async start(name: Clip, words: readonly string[] = []): Promise<Footage> {
    const script = join(repository, "tests/rtsp_server.py");
    const camera = new Footage([script, "--port", "0", ...words, clip(name)]);
    await camera.#process.line("ready", 60_000);
    camera.#url = `rtsp${await camera.#process.line("rtsp", 1_000)}`;
    return camera;
  }

  get url(): string {
    return this.#url;
  }

  /** Its address with credentials, when it was started with `--user`. */
  get urlWithPassword(): string {
    const user = this.#words[this.#words.indexOf("--user") + 1];
    return this.#url.replace("://", `://${user}@`);
  }

  async end(): Promise<void> {
    await this.#process.stop();
  }
}
