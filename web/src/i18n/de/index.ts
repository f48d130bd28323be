// The German catalogue, key by key as the English one.

import type { en } from "../en/index.ts";
import type { Translation } from "../messages.ts";
import { account } from "./account.ts";
import { cameras } from "./cameras.ts";
import { entry } from "./entry.ts";
import { exporting } from "./export.ts";
import { lens } from "./lens.ts";
import { live } from "./live.ts";
import { lock } from "./lock.ts";
import { playback } from "./playback.ts";
import { problems } from "./problems.ts";
import { settings } from "./settings.ts";
import { shell } from "./shell.ts";
import { timeline } from "./timeline.ts";

export const de: Translation<typeof en> = {
  ...shell,
  ...problems,
  ...entry,
  ...lock,
  ...account,
  ...lens,
  ...live,
  ...playback,
  ...timeline,
  ...exporting,
  ...cameras,
  ...settings,
};
