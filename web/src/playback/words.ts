// What gaps, faults and verification are called, for people.

import type { Fingerprint } from "../domain/id.ts";
import { formatTime, t } from "../i18n/index.ts";
import type { ToldGap } from "./gaps.ts";
import type { Fault } from "./marks.ts";
import type { ViewState } from "./protocol.ts";

/** Why nothing was recorded; without a signed gap that is said, too. */
export function gapText(gaps: readonly ToldGap[]): string {
  const longest = [...gaps].sort((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs))[0];
  if (longest === undefined) return t("timeline.gap-unexplained");
  return t(`timeline.gap-${longest.reason}`);
}

/** Why a stretch is not what the sealer signed. */
export function faultText(fault: Fault): string {
  return t(`playback.fault-${fault}`);
}

/** Up to when what was played is verified, and by whose key. */
export function verifiedText({ signedTo, sealer }: ViewState): string {
  if (signedTo === null || sealer === null) return t("playback.verifying");
  return t("playback.verified", { time: formatTime(signedTo), key: shortKey(sealer) });
}

/** The beginning of a fingerprint, in groups of four as people compare it. */
export function shortKey(key: Fingerprint): string {
  return key.slice(0, 16).replaceAll(/(.{4})(?=.)/g, "$1 ");
}
