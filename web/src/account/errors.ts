// What goes wrong with an account: one error class with a closed set of codes, which the views turn into
// plain words. It carries no secret and no text of the gateway; refusals of the gateway itself are `ApiProblem`s.

/** Every reason for which something about the account fails. */
export const ACCOUNT_CODES = [
  // -- Links and names.
  "not-a-claim-link",
  "not-an-invitation",
  /** The link is for another address than the one this page came from: `origins` has it. */
  "other-origin",
  "bad-name",
  // -- Claiming.
  /** This gateway has an owner already. */
  "not-claimable",
  /** The link's token is wrong, or its 15 minutes are over: start the gateway again for a new one. */
  "claim-refused",
  /** Keys of the gateway are not those of the link: somebody stands between. */
  "other-gateway",
  /** The sealer did not confirm the roster that was made here. */
  "not-pinned",
  /** It is not known whether the claim was taken: keep the words and try to sign in with them. */
  "maybe-claimed",
  "words-not-confirmed",
  // -- Words.
  /** Not 24 words: `words` says how many. */
  "words-count",
  /** Not a word of the list: `place` says which (from 1). */
  "words-unknown",
  "words-checksum",
  /** Real words, of another household. */
  "other-words",
  // -- Signing in.
  "not-claimed",
  /** The household that was shown cannot prove that it is the one of these keys. */
  "not-anchored",
  /** The answer is for somebody else. */
  "not-me",
  /** The invitation is unknown, used or over its ten minutes. */
  "invitation-over",
  /** Others change the household right now: try again. */
  "busy",
  /** The gateway does not know this device (any more): sign in again. */
  "signed-out",
  // -- Passkeys.
  /** The browser has none, or the page's address is not one that may have some. */
  "passkeys-missing",
  /** Passkeys need a host name: `origins` lists addresses of this gateway that have one. */
  "needs-name",
  /** The person or the browser broke it off. */
  "passkey-cancelled",
  /** The authenticator cannot do what is needed (user verification, a key of its own). */
  "passkey-unsuitable",
  /** The gateway knows no such passkey. */
  "passkey-unknown",
  /** It proves who is there, and brings no keys along: use an invitation or the words. */
  "passkey-brings-no-keys",
  /** The gateway asks for a passkey of another name or of somebody else. */
  "passkey-not-yours",
  /** It gives no secret of its own (PRF), and this browser is locked with one that does. */
  "passkey-weaker",
  /** Nobody showed with a passkey that it is the owner who asks. */
  "not-confirmed",
  /** It is none of those that unlock this browser. */
  "passkey-opens-nothing",
  /** It is the last lock of this browser: add another one first. */
  "last-lock",
  // -- The store.
  "no-account",
  "locked",
  /** What is stored is damaged or was tampered with. */
  "store-damaged",
  /** The browser refuses to store anything (private window, disk full). */
  "store-failed",
  // -- The roster.
  /** The gateway shows an older or another roster than this device has seen. */
  "roster-rolled-back",
  /** The gateway shows a roster that does not verify. */
  "roster-refused",
] as const;

/** One reason for a failure. */
export type AccountCode = (typeof ACCOUNT_CODES)[number];

/** More about some of the reasons. */
export interface AccountErrorParts extends ErrorOptions {
  /** Which word, from 1. */
  readonly place?: number;
  /** How many words there were. */
  readonly words?: number;
  /** Addresses of the gateway that have what is missing. */
  readonly origins?: readonly string[];
}

/** Something about the account fails. */
export class AccountError extends Error {
  override readonly name = "AccountError";
  readonly code: AccountCode;
  readonly place: number | null;
  readonly words: number | null;
  readonly origins: readonly string[];

  constructor(code: AccountCode, parts: AccountErrorParts = {}) {
    super(code, "cause" in parts ? { cause: parts.cause } : undefined);
    this.code = code;
    this.place = parts.place ?? null;
    this.words = parts.words ?? null;
    this.origins = parts.origins ?? [];
  }
}

/** Throws an `AccountError`; for places where an expression is wanted. */
export function fail(code: AccountCode, parts?: AccountErrorParts): never {
  throw new AccountError(code, parts);
}
