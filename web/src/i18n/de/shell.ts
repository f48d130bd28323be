// Messages of the shell and of the common components, in German.

import type { shell as en } from "../en/shell.ts";
import type { Translation } from "../messages.ts";

export const shell: Translation<typeof en> = {
  "ui.back": "Zurück",
  "ui.cancel": "Abbrechen",
  "ui.close": "Schließen",
  "ui.continue": "Weiter",
  "ui.copied": "Kopiert.",
  "ui.copy": "Kopieren",
  "ui.dismiss": "Ausblenden",
  "ui.done": "Fertig",
  "ui.hide": "{what} verbergen",
  "ui.loading": "Wird geladen",
  "ui.retry": "Noch einmal versuchen",
  "ui.save": "Speichern",
  "ui.saved": "Gespeichert.",
  "ui.show": "{what} zeigen",
  "nav.label": "Hauptmenü",
  "nav.live": "Live",
  "nav.playback": "Wiedergabe",
  "nav.cameras": "Kameras",
  "nav.settings": "Einstellungen",
  "nav.lock": "Sperren",
  "nav.skip": "Zum Inhalt springen",
  "shell.unkept": "Diese Anmeldung endet, wenn Sie den Tab schließen.",
  "shell.keep": "Mit einem Passkey bleibt sie.",
  "shell.starting": "Bartizan startet",
  "shell.offline": "Keine Verbindung zum Gateway. Es wird weiter versucht.",
  "shell.offline-device": "Dieses Gerät hat kein Netz.",
  "shell.update": "Eine neue Version ist bereit.",
  "shell.reload": "Neu laden",
  "shell.not-found": "Diese Seite gibt es nicht",
  "shell.not-found-text":
    "Vielleicht ist die Adresse vertippt, oder was sie nannte, gibt es nicht mehr.",
  "shell.home": "Zu Live",
  "shell.broken": "Die App konnte diese Seite nicht laden",
};
