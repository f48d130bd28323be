// Why bytes are refused: one error class with a closed set of codes. It carries codes and names of
// fields of the format, never bytes or text of a peer. What a person is told is decided elsewhere.

/** Every reason for which the sealed stream's reader refuses something. */
export const CODES = [
  // -- Bytes that are no value (docs/sealed-stream.md §1).
  "short",
  "too-long",
  "unknown",
  "trailing",
  // -- Records that are damaged or stand where they must not (§2, §5).
  "wrong-check",
  "not-of-segment",
  "out-of-order",
  "after-close",
  // -- Things of another site, camera, rendition, epoch or sealer than the reader asked for.
  "other-scope",
  "other-site",
  // -- Envelopes (§3).
  "not-the-sealer",
  "bad-signature",
  "other-roster",
  "wrong-recipients",
  "downgraded",
  "not-for-me",
  "does-not-open",
  "not-committed",
  // -- Segments and frames (§4, §5).
  "no-envelope",
  "forged",
  // -- Chains and manifests (§7).
  "broken-chain",
  "wrong-counter",
  // -- The roster (§8).
  "backdated",
  "bad-reader-key",
  "exists",
  "full",
  "last-owner",
  "no-genesis",
  "not-allowed",
  "not-found",
  "not-next",
  "second-genesis",
  "unknown-author",
  // -- This reader's own limits and state.
  "overrun",
] as const;

/** One reason for a refusal. */
export type Code = (typeof CODES)[number];

/** The only error that the sealed stream's reader throws for what a peer sent. */
export class SealedError extends Error {
  override readonly name = "SealedError";
  readonly code: Code;
  readonly field: string;

  /** `field` names the part of the format (a constant of ours) at which reading stopped. */
  constructor(code: Code, field: string, options?: ErrorOptions) {
    super(`${field}: ${code}`, options);
    this.code = code;
    this.field = field;
  }
}

/** Throws a `SealedError`; for places where an expression is wanted. */
export function refuse(code: Code, field: string, cause?: unknown): never {
  throw new SealedError(code, field, cause === undefined ? undefined : { cause });
}

/** Throws `code` unless `condition` holds. */
export function demand(condition: boolean, code: Code, field: string): asserts condition {
  if (!condition) refuse(code, field);
}
