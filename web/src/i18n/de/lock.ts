// Messages of the lock screen in German.

import type { lock as en } from "../en/lock.ts";
import type { Translation } from "../messages.ts";

export const lock: Translation<typeof en> = {
  "lock.title": "Gesperrt",
  "lock.text": "Nichts ist offen. Entsperren Sie mit Ihrem Passkey, um zuzusehen.",
  "lock.unlock": "Entsperren",
  "lock.other": "Andere Wege hinein",
  "lock.other-text":
    "Ist der Passkey verloren, melden Sie sich mit einem anderen Passkey, einer Einladung oder Ihren 24 Wörtern neu an.",
  "lock.sign-in": "Anders anmelden",
  "lock.forget": "Diesen Browser vergessen",
  "lock.forget-title": "Diesen Browser vergessen?",
  "lock.forget-text":
    "Alles, was die App in diesem Browser aufbewahrt, wird entfernt. Zurück kommen Sie mit Passkey, Einladung oder Ihren 24 Wörtern. Aufnahmen bleiben, wie sie sind. Entfernen Sie dieses Gerät auch auf einem anderen aus der Liste der Geräte.",
  "lock.forget-now": "Vergessen",
};
