// How a camera is doing, in words: its state, what is wrong and what to do, what it sends.

import type { Camera, CameraStream, Codec, StreamStatus } from "../api/documents.ts";
import { isKey, t } from "../i18n/index.ts";
import { problemText } from "../i18n/problem.ts";

/** For the mark beside a camera; the text says the same. */
export interface CameraState {
  readonly tone: "good" | "warn" | "bad" | "off";
  readonly text: string;
  /** What to do, when something is wrong. */
  readonly advice: string;
}

/** The state of a camera: that of the stream that is worst off. */
export function cameraState(camera: Camera): CameraState {
  const states = camera.streams.map(streamState);
  const order = ["bad", "warn", "off", "good"] as const;
  const worst = order.map((tone) => states.find((state) => state.tone === tone)).find(Boolean);
  return worst ?? { tone: "off", text: t("cameras.paused"), advice: "" };
}

export function streamState({ status }: CameraStream): CameraState {
  if (status.state === "streaming")
    return { tone: "good", text: t("cameras.recording"), advice: "" };
  if (status.state === "paused") return { tone: "off", text: t("cameras.paused"), advice: "" };
  const { problem } = status;
  if (problem === undefined) return { tone: "warn", text: t("cameras.connecting"), advice: "" };
  const known = isKey(`problem.camera-${problem.kind}`);
  const said = problemText({ type: `/problems/camera-${problem.kind}` });
  return known
    ? { tone: "bad", text: said.title, advice: said.advice }
    : { tone: "bad", text: problem.message, advice: "" };
}

/** For example `1920×1080, H.264, with sound`. */
export function streamText(status: StreamStatus): string {
  if (status.state !== "streaming") return "";
  const isPicture = (codec: Codec): boolean => codec === "h264" || codec === "h265";
  const picture = status.tracks.find(({ codec }) => isPicture(codec));
  const sound = status.tracks.some(({ codec }) => !isPicture(codec));
  const shown = picture === undefined ? [] : [picture.shape, codecName(picture.codec)];
  return [...shown, t(sound ? "cameras.with-sound" : "cameras.without-sound")].join(", ");
}

const CODECS: { readonly [codec in Codec]: string } = {
  h264: "H.264",
  h265: "H.265",
  aac: "AAC",
  opus: "Opus",
  pcma: "G.711 A-law",
  pcmu: "G.711 µ-law",
};

/** A codec's usual name. */
export function codecName(codec: Codec): string {
  return CODECS[codec] ?? codec;
}
