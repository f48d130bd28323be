// The account of the browser that this runs in.

import { Account } from "./account.ts";
import { browserEnvironment } from "./environment.ts";
import { lockOnLeaving } from "./leaving.ts";

/** Call it once for each page. */
export function browserAccount(): Account {
  const account = new Account(browserEnvironment());
  lockOnLeaving(account, window);
  return account;
}
