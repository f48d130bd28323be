// What goes wrong between the app and the gateway: one error class for problem documents (RFC 9457) and
// for networks that carry nothing. What a person is told is decided by the views.

/** Longest detail in characters that is kept of an answer. */
const MAX_DETAIL = 500;

/** Names of origins that one problem may list. */
const MAX_ORIGINS = 64;

/** An answer that is no success, or no answer at all. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  /** HTTP status; 0 when nothing was answered. */
  readonly status: number;
  /** `/problems/NAME`; of our own making are `offline`, `timeout` and `not-understood`. */
  readonly type: string;
  readonly title: string;
  /** What happened this time and what to do, in the gateway's words. */
  readonly detail: string;
  /** How long to wait before trying again, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Where the gateway's log says more; only for internal errors. */
  readonly reference?: string;
  /** `error` of the DPoP challenge (RFC 9449 §7.1): `invalid_token` means that this device is signed out. */
  readonly challenge?: string;
  /** Names of the gateway; only of `passkey-needs-name`. */
  readonly origins: readonly string[];

  constructor(parts: ProblemParts, options?: ErrorOptions) {
    super(`${parts.type}: ${parts.detail}`, options);
    this.status = parts.status;
    this.type = parts.type;
    this.title = parts.title;
    this.detail = parts.detail;
    this.origins = parts.origins ?? [];
    if (parts.retryAfterMs !== undefined) this.retryAfterMs = parts.retryAfterMs;
    if (parts.reference !== undefined) this.reference = parts.reference;
    if (parts.challenge !== undefined) this.challenge = parts.challenge;
  }

  /** Whether it is of this type: `is("not-found")`. */
  is(name: string): boolean {
    return this.type === `/problems/${name}`;
  }

  /** Whether the gateway does not know this device's token (any more). */
  get signedOut(): boolean {
    return this.status === 401 && this.challenge === "invalid_token";
  }
}

/** What a problem is made of. */
export interface ProblemParts {
  readonly status: number;
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  readonly retryAfterMs?: number;
  readonly reference?: string;
  readonly challenge?: string;
  readonly origins?: readonly string[];
}

/** Nothing came: no network, no gateway, or a certificate that the browser does not trust. */
export function offline(cause?: unknown): ApiProblem {
  const detail = "The gateway does not answer. Check that this device is on its network.";
  const parts = { status: 0, type: "/problems/offline", title: "No connection", detail };
  return new ApiProblem(parts, { cause });
}

/** The answer did not come in time. */
export function timedOut(): ApiProblem {
  const detail = "The gateway took too long to answer.";
  return new ApiProblem({ status: 0, type: "/problems/timeout", title: "No answer", detail });
}

/** An answer that is not what the API describes. */
export function notUnderstood(status: number, detail: string): ApiProblem {
  const title = "The answer is not understood";
  return new ApiProblem({ status, type: "/problems/not-understood", title, detail });
}

/** The problem of an answer whose body was read as `document` (anything: it is foreign). */
export function problemOf(response: Response, document: unknown): ApiProblem {
  const said: Said = isRecord(document) ? document : {};
  const kept = (value: unknown) => (typeof value === "string" ? value.slice(0, MAX_DETAIL) : "");
  const retry = retryAfter(response.headers.get("retry-after"));
  const challenge = challengeOf(response.headers.get("www-authenticate"));
  const reference = kept(said.reference);
  const origins = Array.isArray(said.origins) ? said.origins : [];
  return new ApiProblem({
    status: response.status,
    type: kept(said.type) || "/problems/not-understood",
    title: kept(said.title) || `Status ${response.status}`,
    detail: kept(said.detail),
    origins: origins.filter((origin) => typeof origin === "string").slice(0, MAX_ORIGINS),
    ...(retry === null ? {} : { retryAfterMs: retry }),
    ...(challenge === null ? {} : { challenge }),
    ...(reference === "" ? {} : { reference }),
  });
}

/** RFC 9110 §10.2.3, in whole seconds, as the gateway sends it; at most an hour. */
function retryAfter(value: string | null): number | null {
  return value !== null && /^\d{1,6}$/.test(value) ? Math.min(Number(value), 3_600) * 1_000 : null;
}

// RFC 9449 §7.1
function challengeOf(value: string | null): string | null {
  return /\berror="([a-z_]{1,40})"/.exec(value ?? "")?.[1] ?? null;
}

type Said = { readonly [name in "type" | "title" | "detail" | "reference" | "origins"]?: unknown };

function isRecord(value: unknown): value is Said {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
