// Documents of the HTTP API as they stand in JSON. Times are milliseconds since 1970. Types only: answers are foreign, and
// whatever protects privacy is checked where it is used.

export type * from "./generated/documents.ts";
export type {
  Invitation as Invited,
  Session as SessionDocument,
  SignInAnswer as MemberAnswer,
} from "./generated/documents.ts";

import type { Ceremony as AnyCeremony } from "./generated/documents.ts";

/** A ceremony whose options are of one kind. */
export interface CeremonyOf<Options> extends Omit<AnyCeremony, "options"> {
  readonly options: Options;
}
