// Messages of `timeline` in German.

import type { timeline as en } from "../en/timeline.ts";
import type { Translation } from "../messages.ts";

export const timeline: Translation<typeof en> = {
  "timeline.label": "Aufgezeichnete Zeit",
  "timeline.from": "Anfang der Auswahl",
  "timeline.to": "Ende der Auswahl",
  "timeline.selection": "Auswahl",
  "timeline.selected": "Ausgewählt: {from} bis {to} ({length})",
  "timeline.zoom-in": "Weniger Zeit zeigen",
  "timeline.zoom-out": "Mehr Zeit zeigen",
  "timeline.legend": "Was die Zeitleiste zeigt",
  "timeline.legend-recorded": "aufgezeichnet",
  "timeline.legend-verified": "geprüft",
  "timeline.legend-fault": "nicht wie signiert",
  "timeline.legend-gap": "nicht aufgezeichnet",
  "timeline.gap-unexplained":
    "Hier wurde nichts aufgezeichnet, und das Gateway nennt keinen signierten Grund.",
  "timeline.gap-restart": "Nicht aufgezeichnet: Das Gateway wurde neu gestartet.",
  "timeline.gap-camera-offline": "Nicht aufgezeichnet: Die Kamera war nicht erreichbar.",
  "timeline.gap-camera-stalled": "Nicht aufgezeichnet: Die Kamera schickte kein Bild.",
  "timeline.gap-camera-refused": "Nicht aufgezeichnet: Die Kamera lehnte die Verbindung ab.",
  "timeline.gap-disk-full": "Nicht aufgezeichnet: Der Datenträger war voll.",
  "timeline.gap-disk-failed": "Nicht aufgezeichnet: Der Datenträger fiel aus.",
  "timeline.gap-overload": "Nicht aufgezeichnet: Das Gateway war überlastet.",
  "timeline.gap-clock-jump": "Nicht aufgezeichnet: Die Uhr wurde gestellt.",
  "timeline.gap-paused": "Nicht aufgezeichnet: Die Aufzeichnung war unterbrochen.",
  "timeline.gap-recorder-away": "Nicht aufgezeichnet: Der Rekorder war weg.",
};
