// Messages of the settings in German.

import type { settings as en } from "../en/settings.ts";
import type { Translation } from "../messages.ts";

export const settings: Translation<typeof en> = {
  "settings.storage": "Speicher",
  "settings.storage-lead": "Wie voll der Datenträger ist und wie lange er reicht",
  "settings.devices": "Geräte und Passkeys",
  "settings.devices-lead": "Wer hineinkommt, und womit",
  "settings.appearance": "Darstellung",
  "settings.appearance-lead": "Farben, Sprache, Bewegung",
  "settings.security": "Sperre und Wiederherstellung",
  "settings.security-lead": "Wann dieser Browser sperrt, und die 24 Wörter",
  "settings.about": "Über",
  "settings.about-lead": "Version, Kennungen, wer was sieht",
  "settings.change": "Ändern",
  "settings.change-of": "Ändern, wie lange Aufnahmen von {name} bleiben",
  "settings.recordings": "Aufnahmen",
  "settings.used-of": "{used} von {all}",
  "settings.free": "Frei für Aufnahmen",
  "settings.floor": "Bleibt immer frei",
  "settings.indexes": "Verzeichnisse",
  "settings.rate": "Ihre Kameras nehmen am Tag {size} auf.",
  "settings.full-in":
    "Der Datenträger ist in etwa {days} Tagen voll; dann machen die ältesten Aufnahmen Platz.",
  "settings.limits-first": "Ihre Grenzen sind erreicht, bevor der Datenträger voll ist.",
  "settings.reach": "Sie können dann etwa {days} Tage zurücksehen.",
  "settings.too-early":
    "Wie lange der Datenträger reicht, lässt sich nach zehn Minuten Aufnahme sagen.",
  "settings.by-camera": "Nach Kamera",
  "settings.removed-camera": "Entfernte Kamera (wird gelöscht)",
  "settings.since": "Seit {time}",
  "settings.per-day": "{size} am Tag",
  "settings.shorter": "Kürzere Grenzen löschen binnen einer Minute, was älter ist.",
  "settings.disk-alert": "Mit dem Datenträger stimmt etwas nicht",
  "settings.disk-full":
    "Der Datenträger ist voll: Es wird nichts aufgenommen, bis Platz ist. Entfernen Sie andere Dateien, oder verkürzen Sie, wie lange Aufnahmen bleiben.",
  "settings.disk-slow":
    "Der Datenträger kommt nicht nach: Manche Aufnahmen gehen verloren. Nehmen Sie einen schnelleren, oder weniger oder kleinere Ströme.",
  "settings.theme": "Farben",
  "settings.theme-system": "System",
  "settings.theme-light": "Hell",
  "settings.theme-dark": "Dunkel",
  "settings.language": "Sprache",
  "settings.language-system": "Wie der Browser",
  "settings.motion": "Bewegung",
  "settings.motion-hint": "Bilder der Kameras bewegen sich immer.",
  "settings.motion-system": "System",
  "settings.motion-reduced": "Weniger",
  "settings.motion-full": "Voll",
  "settings.install": "Als App",
  "settings.install-text":
    "Auf dem Startbildschirm oder bei Ihren Programmen, in einem eigenen Fenster.",
  "settings.install-now": "Installieren",
  "settings.install-menu":
    "Für den Startbildschirm wählen Sie im Menü des Browsers „Installieren“ oder „Zum Home-Bildschirm“.",
  "settings.here-only": "Das gilt nur für diesen Browser.",
  "settings.lock": "Sperre",
  "settings.lock-text":
    "Beim Sperren verschwinden alle Schlüssel aus dem Speicher: Nichts lässt sich entschlüsseln, bis Ihr Passkey wieder öffnet.",
  "settings.idle": "Von selbst sperren nach",
  "settings.idle-hint": "Ohne Berührung oder Taste auf diesem Gerät.",
  "settings.lock-now": "Jetzt sperren",
  "settings.words": "Die 24 Wörter",
  "settings.words-text":
    "Sie stehen seit der Einrichtung auf Papier und sonst nirgends. Mit ihnen kommen Sie hinein, wenn alle Geräte und Passkeys verloren sind, in jedem Browser.",
  "settings.words-lost":
    "Sie lassen sich nicht noch einmal zeigen. Ohne Papier sorgen Sie dafür, dass mindestens zwei Ihrer Geräte angemeldet sind.",
  "settings.sign-out": "Hier abmelden",
  "settings.sign-out-text":
    "Dieses Gerät verlässt die Liste der Geräte, und dieser Browser vergisst alles. Zurück kommen Sie mit Passkey, Einladung oder den 24 Wörtern.",
  "settings.sign-out-ask": "Auf diesem Gerät abmelden?",
  "settings.version": "Version des Gateways",
  "settings.site": "Anlage",
  "settings.gateway": "Fingerabdruck des Gateways",
  "settings.genesis": "Hash der Genesis",
  "settings.copy-of": "Kopieren: {what}",
  "settings.identity-text":
    "Vergleichen Sie sie mit denen eines anderen Geräts: Sind sie gleich, vertrauen beide demselben Gateway und Haushalt.",
  "settings.sees": "Wer was sieht",
  "settings.sees-you": "Ihre entsperrten Geräte",
  "settings.sees-you-text": "Bild und Ton. Entschlüsselt wird hier und nirgends sonst.",
  "settings.sees-gateway": "Rekorder und Datenträger des Gateways",
  "settings.sees-gateway-text": "Versiegelte Bytes: wann und wie viel aufgenommen wurde, nie was.",
  "settings.sees-cloud": "Die Cloud",
  "settings.sees-cloud-text": "Nichts. Diese App spricht nur mit Ihrem Gateway.",
  "settings.secrets": "Wie das Gateway seine Geheimnisse aufbewahrt",
  "settings.root-credential":
    "Unter einem Schlüssel, den das System für es hält, gebunden an das TPM des Rechners, wo es eines gibt. Ein gestohlener Datenträger allein nützt nichts.",
  "settings.root-file":
    "Unter einem Schlüssel in einer Datei neben den Daten: Wer den ganzen Datenträger hat, liest Adressen der Kameras und Namen, aber keine Bilder. Als Systemdienst eingerichtet, bewahrt das System den Schlüssel auf.",
  "settings.licences": "Lizenzen",
  "settings.licences-text": "Bartizan ist freie Software unter der Apache-Lizenz 2.0.",
  "settings.licences-link": "Lizenzen der Teile in dieser App",
  "settings.devices-list": "Geräte",
  "settings.device-this": "Dieses Gerät",
  "settings.device-other": "Von jemand anderem",
  "settings.device-added": "Hinzugefügt {time}",
  "settings.device-until": "Angemeldet bis {time}",
  "settings.device-out": "Abgemeldet",
  "settings.device-add": "Gerät hinzufügen",
  "settings.device-remove": "Entfernen",
  "settings.device-remove-of": "{name} entfernen",
  "settings.device-remove-ask": "{name} entfernen?",
  "settings.device-remove-text":
    "Es wird sofort abgeschnitten und bekommt keine neuen Bilder. Was es schon gezeigt hat, lässt sich nicht zurückholen.",
  "settings.device-remove-this": "Es ist das Gerät, das Sie benutzen: Sie werden hier abgemeldet.",
  "settings.device-removed": "{name} ist entfernt.",
  "settings.passkeys": "Passkeys",
  "settings.passkeys-lead":
    "Mit einem Passkey entsperren Sie die App. Haben Sie zwei, auf verschiedenen Geräten.",
  "settings.passkeys-none": "Noch keine Passkeys.",
  "settings.passkeys-look": "Sehen Sie sich auch diese Passkeys an",
  "settings.passkeys-look-text":
    "Sie kamen hinzu, seit das Gerät dabei war: {names}. Entfernen Sie, was Sie nicht kennen.",
  "settings.confirm-owner":
    "Sie werden nach einem Passkey gefragt, damit sicher ist, dass Sie es sind.",
  "settings.passkey-add": "Passkey hinzufügen",
  "settings.passkey-name": "Name des Passkeys",
  "settings.passkey-name-hint": "Zum Beispiel, wo er liegt: iPhone, Sicherheitsschlüssel.",
  "settings.passkey-added": "Der Passkey ist hinzugefügt.",
  "settings.passkey-for": "Für {host}",
  "settings.passkey-used": "Zuletzt benutzt {time}",
  "settings.passkey-opens": "Bringt Ihre Schlüssel auf neue Geräte",
  "settings.passkey-remove-of": "Passkey {name} entfernen",
  "settings.passkey-remove-ask": "Passkey {name} entfernen?",
  "settings.passkey-remove-text":
    "Er entsperrt nichts mehr. Löschen Sie ihn auch aus den Passwörtern Ihres Geräts.",
  "settings.passkey-removed": "Der Passkey ist entfernt.",
  "settings.invite-lead":
    "Scannen Sie das mit der Kamera des anderen Geräts, oder öffnen Sie dort den Link. Es bekommt dieselben Rechte wie Sie.",
  "settings.invite-qr": "QR-Code des Einladungslinks",
  "settings.invite-until": "Gilt einmal, bis {time}.",
  "settings.invite-over": "Diese Einladung ist abgelaufen.",
  "settings.invite-again": "Neue machen",
  "settings.invite-copy": "Link kopieren",
  "settings.invite-copied": "Kopiert. Senden Sie ihn nur dorthin, wo niemand mitliest.",
  "settings.invite-share": "Link teilen",
  "settings.invite-secret":
    "Wer den Link zuerst öffnet, kommt hinein. Zeigen Sie ihn niemandem sonst.",
  "settings.invite-local":
    "Diese Adresse gilt nur auf diesem Rechner. Für ein Telefon starten Sie das Gateway für das Heimnetz und öffnen die App über seinen Namen.",
};
