// What a tile says about itself, in words.

import type { Camera } from "../api/documents.ts";
import type { CameraState } from "../cameras/status.ts";
import { streamState } from "../cameras/status.ts";
import { formatSpan, t } from "../i18n/index.ts";
import { CODEC_NAMES } from "../media/codec.ts";
import type { LiveState, Stop } from "./phase.ts";

/** One line about a tile, and what to do when something is wrong. */
export interface Words {
  readonly tone: "live" | "calm" | "warn" | "bad";
  readonly text: string;
  readonly advice: string;
}

/** Verdicts by what they mean for a person. */
const MEANING: { readonly [code: string]: "changed" | "signer" | "old" | "recipient" | "roster" } =
  {
    forged: "changed",
    "wrong-check": "changed",
    "broken-chain": "changed",
    "out-of-order": "changed",
    "after-close": "changed",
    "not-of-segment": "changed",
    "not-the-sealer": "signer",
    "bad-signature": "signer",
    "other-site": "signer",
    "other-scope": "signer",
    "no-envelope": "signer",
    replayed: "old",
    "wrong-counter": "old",
    "not-for-me": "recipient",
    "does-not-open": "recipient",
    "not-committed": "changed",
    downgraded: "changed",
    "other-roster": "roster",
    "wrong-recipients": "roster",
  };

/** Of a tile that stopped. */
export function stopWords(stop: Stop): Words {
  if (stop.kind === "refused") {
    const advice = t(`live.refused-${MEANING[stop.code] ?? "format"}`);
    return { tone: "bad", text: t("live.refused"), advice: `${advice} ${t("live.code", stop)}` };
  }
  if (stop.kind === "unsupported") {
    const codec = CODEC_NAMES[stop.codec];
    const text = t("live.unsupported", { codec });
    return { tone: "warn", text, advice: t("live.unsupported-do") };
  }
  return { tone: "warn", text: t(`live.${stop.kind}`), advice: t(`live.${stop.kind}-do`) };
}

/** The camera's own trouble, when it has any: of the rendition on the screen, or of the main one. */
export function troubleOf(camera: Camera, state: LiveState): CameraState | null {
  const wanted = state.rendition ?? "main";
  const stream = camera.streams.find(({ rendition }) => rendition === wanted) ?? camera.streams[0];
  const said = stream === undefined ? null : streamState(stream);
  return said === null || said.tone === "good" ? null : said;
}

/** A tile in one line. `nowMs` is the gateway's time. */
export function wordsOf(camera: Camera, state: LiveState, nowMs: number): Words {
  if (state.stop !== null) return stopWords(state.stop);
  const { capturedMs, phase } = state;
  const age = capturedMs === null ? null : formatSpan(Math.max(1_000, nowMs - capturedMs));
  if (phase === "live") return { tone: "live", text: t("live.live"), advice: "" };
  const trouble = troubleOf(camera, state);
  if (trouble !== null && phase !== "paused") return troubleWords(trouble, age);
  return { tone: phase === "lost" ? "warn" : "calm", text: phaseText(phase, age), advice: "" };
}

function troubleWords({ text: problem, advice, tone }: CameraState, age: string | null): Words {
  const text = age === null ? problem : t("live.camera-problem", { problem, age });
  return { tone: tone === "bad" ? "bad" : "calm", text, advice };
}

function phaseText(phase: LiveState["phase"], age: string | null): string {
  if (phase === "lost") return age === null ? t("live.lost") : t("live.lost-age", { age });
  if (phase === "joining") return age === null ? t("live.connecting") : t("live.joining", { age });
  if (phase === "stalled") return t("live.stalled", { age: age ?? "" });
  return phase === "paused" ? t("live.paused") : t("live.connecting");
}
