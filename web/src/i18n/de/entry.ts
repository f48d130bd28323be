// Messages of the ways in (claim, join, sign in) in German.

import type { entry as en } from "../en/entry.ts";
import type { Translation } from "../messages.ts";

export const entry: Translation<typeof en> = {
  "entry.language": "Sprache",
  "entry.step": "Schritt {n} von {of}",
  "entry.claim": "Gateway einrichten",
  "entry.join": "Beitreten",
  "entry.sign-in": "Anmelden",
  "entry.claim-title": "Dieses Gateway wird Ihres",
  "entry.claim-lead":
    "Sie haben den Link eines Gateways geöffnet, das noch niemandem gehört. In wenigen Minuten nimmt es für Sie auf, und für niemanden sonst.",
  "entry.claim-sealed": "An der Kamera versiegelt",
  "entry.claim-sealed-text":
    "Bilder werden verschlüsselt, bevor sie gespeichert werden. Öffnen können sie nur Geräte, die Sie zulassen: nicht das Gateway, kein Dieb, nicht wir.",
  "entry.claim-paper": "Stift und Papier bereithalten",
  "entry.claim-paper-text":
    "Sie schreiben 24 Wörter auf. Sie sind der letzte Weg hinein, wenn alle Geräte verloren sind.",
  "entry.claim-passkey": "Ein Passkey statt eines Passworts",
  "entry.claim-passkey-text":
    "Sie entsperren die App wie dieses Gerät: mit Finger, Gesicht oder PIN.",
  "entry.begin": "Beginnen",
  "entry.begin-anyway": "Ohne Passkey weitermachen",
  "entry.nameless": "Passkeys brauchen einen Namen statt Zahlen",
  "entry.nameless-text":
    "Diese Seite wurde über eine IP-Adresse geöffnet. Öffnen Sie sie über den Namen des Gateways, etwa https://NAME.local, wie es ihn beim Start nennt.",
  "entry.nameless-here":
    "Diese Seite wurde über eine IP-Adresse geöffnet. Auf diesem Rechner heißt sie auch localhost.",
  "entry.nameless-go": "Als localhost öffnen",
  "entry.names": "Wer sind Sie?",
  "entry.names-lead": "Die Namen sind für die Menschen dieser Anlage.",
  "entry.name-missing": "Geben Sie einen Namen ein.",
  "entry.your-name": "Ihr Name",
  "entry.device-name": "Name dieses Geräts",
  "entry.device-name-hint": "Damit Sie es in der Liste der Geräte wiedererkennen.",
  "entry.words": "Ihre 24 Wörter",
  "entry.words-lead":
    "Schreiben Sie sie in dieser Reihenfolge auf Papier. Sie werden nur jetzt gezeigt.",
  "entry.words-warning": "Wer diese Wörter hat, hat alles",
  "entry.words-warning-text":
    "Bewahren Sie das Papier auf wie einen Reisepass. Niemand kann Ihnen die Wörter ein zweites Mal geben, und niemand von Bartizan fragt je danach.",
  "entry.words-no-paper": "Ich habe kein Papier zur Hand",
  "entry.words-no-paper-text":
    "Papier ist am sichersten: Drucker, Zwischenablagen und Dateien behalten Kopien, die andere finden können. Löschen Sie die Kopie, sobald die Wörter auf Papier stehen.",
  "entry.print": "Drucken",
  "entry.download": "Als Datei sichern",
  "entry.words-copied": "Kopiert. Leeren Sie danach die Zwischenablage.",
  "entry.words-written": "Ich habe sie aufgeschrieben",
  "entry.rested": "Die Wörter sind vom Bildschirm verschwunden",
  "entry.rested-text":
    "{minutes} Minuten lang hat niemand dieses Gerät berührt; darum wurden sie weggenommen, damit sie Ihre bleiben. Nichts ist verloren: Beginnen Sie neu, wann Sie möchten. Sie bekommen neue Wörter; streichen Sie die auf Ihrem Papier.",
  "entry.rested-again": "Neu beginnen",
  "entry.rested-words":
    "Die Wörter sind vom Bildschirm verschwunden, weil {minutes} Minuten lang niemand dieses Gerät berührt hat. Geben Sie sie noch einmal ein, wann Sie möchten.",
  "entry.confirm": "Prüfen Sie Ihr Papier",
  "entry.confirm-lead": "Geben Sie diese drei Wörter vom Papier ein.",
  "entry.word-n": "Wort {n}",
  "entry.word-wrong": "Das ist nicht Wort {n}. Vergleichen Sie es mit Ihrem Papier.",
  "entry.claim-now": "Gateway übernehmen",
  "entry.words-again": "Wörter noch einmal zeigen",
  "entry.passkey-first": "Es gehört Ihnen. Jetzt ein Passkey",
  "entry.passkey": "Ein Passkey für dieses Gerät",
  "entry.passkey-lead":
    "Damit entsperren Sie die App auf diesem Gerät mit Finger, Gesicht oder PIN.",
  "entry.passkey-text":
    "Der Passkey verschließt die Schlüssel zu Ihren Bildern. Ohne ihn sieht niemand etwas, der sich an dieses Gerät setzt.",
  "entry.passkey-make": "Passkey anlegen",
  "entry.passkey-made": "Dieses Gerät ist eingerichtet.",
  "entry.passkey-later": "Später: beim Schließen des Tabs abmelden",
  "entry.passkey-impossible": "Keine Passkeys unter dieser Adresse",
  "entry.passkey-impossible-text":
    "Sie bleiben angemeldet, bis dieser Tab geschlossen wird. Öffnen Sie die App über den Namen des Gateways, um dort einen Passkey anzulegen.",
  "entry.passkey-not-here":
    "Passkeys brauchen einen heutigen Browser und den Namen des Gateways in der Adresse.",
  "entry.no-claim-link": "Der Einrichtungslink fehlt",
  "entry.no-claim-link-text":
    "Das Gateway gibt beim ersten Start einen Link aus. Öffnen Sie ihn ganz, oder fügen Sie ihn hier ein. Er gilt 15 Minuten; ein neuer Start macht einen neuen.",
  "entry.no-invitation": "Die Einladung fehlt",
  "entry.no-invitation-text":
    "Öffnen Sie auf einem angemeldeten Gerät die Einstellungen, dann Geräte, und wählen Sie „Gerät hinzufügen“. Scannen Sie den Code mit der Kamera dieses Geräts, oder fügen Sie den Link hier ein.",
  "entry.link": "Link",
  "entry.link-wrong-claim": "Das ist kein Einrichtungslink: Er enthält /claim#.",
  "entry.link-wrong-join": "Das ist kein Einladungslink: Er enthält /join#.",
  "entry.link-elsewhere": "Dieser Link ist für eine andere Adresse",
  "entry.link-elsewhere-text":
    "Hier wird nichts davon benutzt. Wenn Sie die Adresse kennen und ihr trauen, öffnen Sie den Link dort:",
  "entry.join-title": "Mit diesem Gerät beitreten",
  "entry.join-lead":
    "Sie wurden von einem angemeldeten Gerät eingeladen. Dieses Gerät bekommt dieselben Rechte.",
  "entry.join-already": "In diesem Browser gibt es schon ein Konto",
  "entry.join-already-text": "Der Beitritt ersetzt es hier.",
  "entry.join-now": "Beitreten",
  "entry.the-words": "Die 24 Wörter",
  "entry.the-words-hint": "In ihrer Reihenfolge, durch Leerzeichen getrennt. Bisher: {count}.",
  "entry.sign-in-words": "Mit den Wörtern anmelden",
  "entry.sign-in-passkey": "Mit Passkey anmelden",
  "entry.by-invitation": "Mit einer Einladung",
  "entry.by-invitation-text":
    "Öffnen Sie auf einem angemeldeten Gerät die Einstellungen, dann Geräte, und wählen Sie „Gerät hinzufügen“. Es zeigt einen Code: Scannen Sie ihn mit der Kamera dieses Geräts, und die Seite öffnet sich von selbst.",
  "entry.have-link": "Ich habe einen Link",
  "entry.by-words": "Mit den 24 Wörtern",
  "entry.by-owner": "Ich habe nichts davon",
  "entry.by-owner-text":
    "Bitten Sie jemanden, dem diese Anlage gehört, um eine Einladung. Ist das Gateway neu, starten Sie es und öffnen Sie den Einrichtungslink, den es ausgibt.",
  "entry.already": "Sie sind angemeldet",
  "entry.already-text": "In diesem Browser ist ein Konto offen.",
  "entry.suggested": "Ihre ersten Kameras",
  "entry.suggested-lead":
    "Das Gateway wurde mit diesen gestartet. Benennen Sie sie, und sehen Sie zu.",
  "entry.suggested-name": "Name von Kamera {n}",
  "entry.suggested-default": "Kamera {n}",
  "entry.suggested-add": "Hinzufügen und ansehen",
  "entry.suggested-skip": "Jetzt nicht",
};
