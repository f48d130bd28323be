// Messages of the lens over pictures in German.

import type { lens as en } from "../en/lens.ts";
import type { Translation } from "../messages.ts";

export const lens: Translation<typeof en> = {
  "lens.whole": "Das ganze Bild zeigen (Z)",
  "lens.whole-of": "{times}-fach vergrößert. Das ganze Bild zeigen",
};
