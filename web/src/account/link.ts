// Links that carry secrets behind `#`, where no browser sends them: the claim link
// (`core/protocol/src/claim.rs`) and the invitation link (`core/protocol/src/invitation.rs`).

import { fromBase64Url, toBase64Url } from "../api/base64.ts";
import type { Bytes } from "../domain/bytes.ts";
import type { Fingerprint, Hash } from "../domain/id.ts";
import { parseId } from "../domain/id.ts";
import { AccountError } from "./errors.ts";

/** Bytes of a claim token and of an invitation's secret. */
const SECRET_LEN = 32;

/** What the machine shows to the person in front of it. The certificate's pin is for programs, not browsers. */
export interface ClaimLink {
  readonly origin: string;
  readonly token: Bytes;
  readonly gateway: Fingerprint;
  readonly sealer: Fingerprint;
}

/** What a signed-in device shows to a new one of the same member. */
export interface InvitationLink {
  readonly origin: string;
  readonly secret: Bytes;
  /** Hash of the roster's first statement. */
  readonly genesis: Hash;
  /** Hash of the roster's last statement when the link was made; `null` in links of programs that do not write it. */
  readonly head: Hash | null;
}

/** Reads a claim link: a whole address, as typed or as the page has it. */
export function parseClaimLink(text: string): ClaimLink {
  const { origin, field } = cut(text, "/claim#") ?? raise("not-a-claim-link");
  const token = fromBase64Url(field("t="));
  if (token?.length !== SECRET_LEN) throw new AccountError("not-a-claim-link");
  try {
    const gateway = parseId<Fingerprint>(field("g="), 32);
    return { origin, token, gateway, sealer: parseId<Fingerprint>(field("s="), 32) };
  } catch (cause) {
    throw new AccountError("not-a-claim-link", { cause });
  }
}

/** Reads an invitation link. */
export function parseInvitationLink(text: string): InvitationLink {
  const { origin, field, has } = cut(text, "/join#") ?? raise("not-an-invitation");
  const secret = fromBase64Url(field("i="));
  if (secret?.length !== SECRET_LEN) throw new AccountError("not-an-invitation");
  try {
    const genesis = parseId<Hash>(field("g="), 32);
    return { origin, secret, genesis, head: has("h=") ? parseId<Hash>(field("h="), 32) : null };
  } catch (cause) {
    throw new AccountError("not-an-invitation", { cause });
  }
}

/** The link that a signed-in device shows. */
export function invitationLink({ origin, secret, genesis, head }: InvitationLink): string {
  const floor = head === null ? "" : `&h=${head}`;
  return `${origin}/join#i=${toBase64Url(secret)}&g=${genesis}${floor}`;
}

/** Refuses a link to another address: its token must not be shown to this one. */
export function requireOwn(link: { readonly origin: string }, origin: string): void {
  const own = URL.canParse(link.origin) ? new URL(link.origin).origin : link.origin;
  if (own !== origin) throw new AccountError("other-origin", { origins: [own] });
}

function cut(text: string, mark: "/claim#" | "/join#") {
  const [origin = "", fields, ...more] = text.trim().split(mark);
  if (fields === undefined || more.length > 0 || !/^https?:\/\//.test(origin)) return null;
  const pair = (name: string) => fields.split("&").find((each) => each.startsWith(name));
  const field = (name: string) => pair(name)?.slice(name.length) ?? "";
  return { origin, field, has: (name: string) => pair(name) !== undefined };
}

function raise(code: "not-a-claim-link" | "not-an-invitation"): never {
  throw new AccountError(code);
}
