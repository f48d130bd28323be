// Messages of `export` in German.

import type { exporting as en } from "../en/export.ts";
import type { Translation } from "../messages.ts";

export const exporting: Translation<typeof en> = {
  "export.title": "Aufzeichnung exportieren",
  "export.lead":
    "Macht eine gewöhnliche MP4-Datei und dazu einen Nachweis, wer sie versiegelt hat und dass nichts verändert wurde.",
  "export.camera": "Kamera",
  "export.rendition": "Größe",
  "export.main": "Volle Größe",
  "export.sub": "Klein",
  "export.from": "Von",
  "export.to": "Bis",
  "export.length": "Länge: {length}",
  "export.start": "Exportieren",
  "export.cancel": "Export abbrechen",
  "export.progress": "Export läuft",
  "export.done": ({ files }) =>
    files === 1 ? "Die Datei ist fertig." : `${files} Dateien sind fertig.`,
  "export.video": "Video sichern ({size})",
  "export.proof": "Nachweis sichern",
  "export.verify":
    "Bewahren Sie beide Dateien zusammen und unter demselben Namen auf. `bartizan verify DATEI.mp4` prüft sie überall, ohne Schlüssel.",
  "export.unsigned": ({ frames }) =>
    frames === 1
      ? "Das letzte Bild ist so neu, dass es noch nicht signiert ist."
      : `Die letzten ${frames} Bilder sind so neu, dass sie noch nicht signiert sind.`,
  "export.range-wrong": "Das Ende muss nach dem Anfang liegen.",
  "export.again": "Einen anderen Abschnitt exportieren",
  "export.failed-nothing-recorded": "In diesem Abschnitt wurde nichts aufgezeichnet.",
  "export.failed-too-long":
    "Dieser Abschnitt ist zu lang für einen Export. Wählen Sie einen kürzeren.",
  "export.failed-refused":
    "Die Aufzeichnung um {time} ist nicht, was der Versiegler signiert hat, und wird nicht exportiert. Wählen Sie einen Abschnitt davor oder danach.",
  "export.failed-failed": "Der Export hat nicht geklappt. Versuchen Sie es noch einmal.",
  "export.clear":
    "Das exportierte Video ist nicht mehr verschlüsselt. Wer die Datei hat, kann es ansehen.",
};
