// What a failure is called and what can be done, for people. Knows the shape of the app's errors, not their classes:
// an ApiProblem has `type`, `title` and `detail`, an AccountError has `code`. Unknown ones of the gateway show its own words.

import { formatSpan } from "./format.ts";
import { isKey, say, t } from "./index.ts";
import type { Value } from "./messages.ts";

type Given = { readonly [name: string]: Value };

/** A failure in words. */
export interface ProblemText {
  readonly title: string;
  /** What to do; may be empty. */
  readonly advice: string;
}

interface Shape {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly title?: unknown;
  readonly detail?: unknown;
  readonly code?: unknown;
  readonly retryAfterMs?: unknown;
  readonly reference?: unknown;
  readonly place?: unknown;
  readonly words?: unknown;
  readonly origins?: unknown;
}

/** The words for whatever was thrown. */
export function problemText(error: unknown): ProblemText {
  const shape: Shape = typeof error === "object" && error !== null ? error : {};
  if (typeof shape.type === "string" && shape.type.startsWith("/problems/")) return apiText(shape);
  if (typeof shape.code === "string") return faultText(shape, shape.code);
  if (shape.name === "NotAllowedError") return faultText(shape, "passkey-cancelled");
  return unknownText();
}

function faultText({ place, words, origins }: Shape, code: string): ProblemText {
  const names = Array.isArray(origins) ? origins.join(", ") : "";
  const values = { place: Number(place ?? 0), words: Number(words ?? 0), origins: names };
  return catalogued(`fault.${code}`, values) ?? unknownText();
}

function apiText(shape: Shape): ProblemText {
  const known = catalogued(`problem.${String(shape.type).slice("/problems/".length)}`);
  const own = { title: text(shape.title) || t("problem.unknown"), advice: text(shape.detail) };
  const { title, advice } = known ?? own;
  return { title, advice: [advice, waiting(shape), referring(shape)].filter(Boolean).join(" ") };
}

function waiting({ retryAfterMs }: Shape): string {
  if (typeof retryAfterMs !== "number" || retryAfterMs < 1_000) return "";
  return t("problem.wait", { span: formatSpan(retryAfterMs) });
}

function referring({ reference }: Shape): string {
  return text(reference) === "" ? "" : t("problem.reference", { reference: text(reference) });
}

/** `KEY` is the title, `KEY.do` the advice. */
function catalogued(key: string, values: Given = {}): ProblemText | null {
  if (!isKey(key)) return null;
  const advice = `${key}.do`;
  return { title: say(key, values), advice: isKey(advice) ? say(advice, values) : "" };
}

function unknownText(): ProblemText {
  return { title: t("problem.unknown"), advice: t("problem.unknown.do") };
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
