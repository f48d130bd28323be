// Messages of `account` in German.

import type { account as en } from "../en/account.ts";
import type { Translation } from "../messages.ts";

export const account: Translation<typeof en> = {};
