// What somebody pasted as a link: one of this gateway, one of another address, or none. Only whole claim and invitation
// links pass, by the parsers that use them; nothing is opened here.

import { parseClaimLink, parseInvitationLink } from "../account/link.ts";

/** What a pasted text is. */
export type Pasted =
  | { readonly kind: "own"; readonly link: string }
  /** For another address, as http or https: a person may open it there. */
  | { readonly kind: "elsewhere"; readonly link: string; readonly origin: string }
  | { readonly kind: "none" };

/** Judges `text` as a link for `page` at `here`, this page's origin. */
export function judgePasted(page: "claim" | "join", text: string, here: string): Pasted {
  try {
    (page === "claim" ? parseClaimLink : parseInvitationLink)(text);
  } catch {
    return { kind: "none" };
  }
  if (!URL.canParse(text.trim())) return { kind: "none" };
  const url = new URL(text.trim());
  if (!isPlain(url) || url.pathname !== `/${page}`) return { kind: "none" };
  const { href: link, origin } = url;
  return origin === here ? { kind: "own", link } : { kind: "elsewhere", link, origin };
}

/** The web's own schemes, and no name or password that would pass for a host. */
function isPlain({ protocol, username, password }: URL): boolean {
  return /^https?:$/.test(protocol) && username === "" && password === "";
}
