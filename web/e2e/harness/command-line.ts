// The command line as another device of the household, and as the judge of exports; and ffprobe, which judges files.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { program } from "./place.ts";

const run = promisify(execFile);

export class CommandLine {
  readonly folder = mkdtempSync(join(tmpdir(), "bartizan-e2e-device-"));

  /** Runs one command and gives the JSON object of its last line. */
  async must(...words: readonly string[]): Promise<Record<string, unknown>> {
    const own = ["--profile", join(this.folder, "profile"), "--json"];
    const { stdout } = await run(program("bartizan"), [...own, ...words], { timeout: 120_000 });
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "null");
  }

  /** Removes the device's folder. */
  end(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface Probed {
  readonly seconds: number;
  readonly codecs: readonly string[];
  readonly width: number;
  readonly pictures: number;
}

/** What ffprobe says about a file, after it decoded every picture of it. */
export async function probe(file: string): Promise<Probed> {
  const words = ["-v", "error", "-count_frames", "-show_entries"];
  const entries = "format=duration:stream=codec_name,codec_type,width,nb_read_frames";
  const { stdout, stderr } = await run("ffprobe", [...words, entries, "-of", "json", file]);
  if (stderr.trim() !== "") {
    throw new Error(`ffprobe complains about ${file}: ${stderr}`);
  }
  const found = JSON.parse(stdout) as {
    format: { duration: string };
    streams: { codec_name: string; codec_type: string; width?: number; nb_read_frames?: string }[];
  };
  const video = found.streams.find((stream) => stream.codec_type === "video");
  return {
    seconds: Number(found.format.duration),
    codecs: found.streams.map((stream) => stream.codec_name),
    width: video?.width ?? 0,
    pictures: Number(video?.nb_read_frames ?? 0),
  };
}
