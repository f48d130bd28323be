// Messages of managing cameras in German.

import type { cameras as en } from "../en/cameras.ts";
import type { Translation } from "../messages.ts";

export const cameras: Translation<typeof en> = {
  "cameras.one": "Kamera",
  "cameras.add": "Kamera hinzufügen",
  "cameras.new": "Kamera hinzufügen",
  "cameras.none": "Noch keine Kameras",
  "cameras.none-text":
    "Fügen Sie eine über ihre Adresse hinzu. Von da an wird sie aufgenommen, nur für Sie versiegelt.",
  "cameras.recording": "Nimmt auf",
  "cameras.connecting": "Verbindet",
  "cameras.paused": "Ausgeschaltet",
  "cameras.main": "Hauptstrom",
  "cameras.sub": "Kleiner Strom",
  "cameras.keep": "Aufnahmen behalten",
  "cameras.keep-hint":
    "Die Grenze, die zuerst erreicht wird, entfernt das Älteste. Leer: solange Platz ist.",
  "cameras.keep-days": "Höchstens, nach Alter",
  "cameras.keep-size": "Höchstens, nach Größe",
  "cameras.days": "Tage",
  "cameras.keep-days-wrong": "Zwischen 0,05 und 3.650 Tagen, oder leer.",
  "cameras.keep-size-wrong": "Mindestens 1 GB, oder leer.",
  "cameras.keep-shorter":
    "Das ist weniger als jetzt: Ältere Aufnahmen darüber hinaus werden bald nach dem Speichern für immer gelöscht.",
  "cameras.keep-all": "Behalten, solange Platz ist",
  "cameras.keep-most": "Behalten höchstens {what}",
  "cameras.kind": "Welche Kamera ist es?",
  "cameras.kind-address": "Irgendeine, über ihre Adresse",
  "cameras.kind-synthetic": "Testbild (ohne Kamera)",
  "cameras.synthetic-text":
    "Das Gateway erzeugt ein bewegtes Testbild mit Uhr. Gut zum Ausprobieren.",
  "cameras.address": "Adresse des Hauptstroms",
  "cameras.address-hint": "Wie in der Anleitung der Kamera: rtsp://GERÄT/PFAD.",
  "cameras.host": "Name oder IP-Adresse der Kamera",
  "cameras.host-hint": "Mit Port, wenn es nicht der übliche ist: 192.168.1.20:8554.",
  "cameras.becomes": "Daraus wird",
  "cameras.user": "Benutzername",
  "cameras.password": "Passwort",
  "cameras.credentials-hint":
    "Die der Kamera selbst. Das Gateway behält sie und gibt sie niemandem heraus.",
  "cameras.pin": "SHA-256 des Kamera-Zertifikats",
  "cameras.pin-hint":
    "64 Hexadezimalziffern, von der Einstellungsseite der Kamera. Kameras unterschreiben ihre Zertifikate selbst: Daran erkennt man die echte.",
  "cameras.sub-address": "Adresse des kleinen Stroms (freiwillig)",
  "cameras.sub-only-address": "Adresse des kleinen Stroms",
  "cameras.sub-stays":
    "Der kleine Strom behält seine eigene Adresse, wenn Sie hier keine neue eingeben.",
  "cameras.sub-failed": "Der Hauptstrom geht, der kleine nicht:",
  "cameras.sub-on":
    "Zu sehen, wo viele Kameras auf einmal sind, und über langsame Verbindungen. Er wird neben dem Hauptstrom aufgenommen.",
  "cameras.sub-off":
    "Es gibt keinen. Alles wird aus dem Hauptstrom gezeigt; das braucht mehr vom Netz und von Ihrem Gerät.",
  "cameras.sub-add": "Kleinen Strom hinzufügen",
  "cameras.sub-added": "Der kleine Strom wird von jetzt an aufgenommen.",
  "cameras.sub-test": "Kleinen Strom prüfen",
  "cameras.sub-change": "Seine Adresse ändern",
  "cameras.sub-remove": "Nicht mehr nutzen",
  "cameras.sub-remove-ask": "Ohne den kleinen Strom weitermachen?",
  "cameras.sub-remove-text":
    "Er wird nicht mehr aufgenommen, und an seiner Stelle wird der Hauptstrom gezeigt.",
  "cameras.sub-remove-kept":
    "Was von ihm aufgenommen ist, bleibt auf dem Gateway, bis seine Zeit um ist, wie unter „Aufnahmen behalten“ eingestellt.",
  "cameras.sub-remove-loss":
    "Das Gateway vergisst seine Adresse und sein Passwort. Um ihn wieder zu nutzen, geben Sie sie neu ein.",
  "cameras.sub-remove-now": "Jetzt nicht mehr nutzen",
  "cameras.sub-removed": "Der kleine Strom wird nicht mehr aufgenommen.",
  "cameras.with-sub": "Auch den kleinen Strom nutzen",
  "cameras.sub-hint":
    "Ein kleineres Bild für viele Kameras auf einmal und für langsame Verbindungen.",
  "cameras.more": "Mehr",
  "cameras.transport": "Transport",
  "cameras.transport-hint": "TCP verliert nichts. UDP ist für Kameras, die kein TCP können.",
  "cameras.tcp": "TCP (empfohlen)",
  "cameras.wrong-host": "Ein Name oder eine IP-Adresse, ohne rtsp:// davor.",
  "cameras.wrong-address": "Eine Adresse beginnt mit rtsp:// oder rtsps://, dann Gerät und Pfad.",
  "cameras.wrong-subAddress":
    "Eine Adresse beginnt mit rtsp:// oder rtsps://, dann Gerät und Pfad.",
  "cameras.wrong-pin": "64 Hexadezimalziffern (0–9, a–f).",
  "cameras.step-source": "Wo ist sie?",
  "cameras.step-test": "Das sendet sie",
  "cameras.step-name": "Geben Sie ihr einen Namen",
  "cameras.step-done": "{name} nimmt auf",
  "cameras.step-added": "{name} ist hinzugefügt",
  "cameras.done-soon":
    "Das Gateway verbindet sich jetzt mit ihr. Aufgenommen wird vom ersten Bild an.",
  "cameras.with-sound": "mit Ton",
  "cameras.without-sound": "ohne Ton",
  "cameras.found": "Was sie sendet",
  "cameras.test": "Verbindung prüfen",
  "cameras.test-and-save": "Prüfen und speichern",
  "cameras.testing": "Verbindung zur Kamera wird aufgebaut. Das dauert bis zu einer halben Minute.",
  "cameras.change-address": "Adresse ändern",
  "cameras.without-sub":
    "Die Kamera lässt sich ohne den kleinen Strom hinzufügen. Er kann später dazukommen.",
  "cameras.name": "Name",
  "cameras.name-hint": "Wo sie ist oder was sie sieht: Haustür.",
  "cameras.added": "{name} ist hinzugefügt.",
  "cameras.done-text": "Von jetzt an wird alles aufgenommen und ist auf Ihren Geräten zu sehen.",
  "cameras.watch": "Live ansehen",
  "cameras.recordings": "Aufnahmen",
  "cameras.another": "Noch eine",
  "cameras.basics": "Name und Aufnahmen",
  "cameras.connection": "Verbindung",
  "cameras.source-kept":
    "{kind}. Das Gateway behält Adresse und Passwort und gibt sie niemandem heraus.",
  "cameras.source-synthetic": "Das Testbild des Gateways.",
  "cameras.address-changed": "Die Adresse ist geändert.",
  "cameras.remove": "Kamera entfernen",
  "cameras.remove-title": "Entfernen",
  "cameras.remove-lead": "Beendet ihre Aufnahme und löscht, was aufgenommen wurde.",
  "cameras.remove-ask": "{name} entfernen?",
  "cameras.remove-text":
    "Es wird nichts mehr aufgenommen, und alle Aufnahmen dieser Kamera werden für immer gelöscht, auf dem Gateway und für alle.",
  "cameras.remove-loss": "Sie verlieren {size}, zurück bis {since}.",
  "cameras.remove-nothing": "Es gibt keine Aufnahmen von ihr.",
  "cameras.remove-unknown": "Wie viel das ist, lässt sich gerade nicht sagen.",
  "cameras.remove-export": "Was Sie behalten wollen, exportieren Sie vorher in der Wiedergabe.",
  "cameras.remove-now": "Mit allen Aufnahmen entfernen",
  "cameras.removed": "{name} ist entfernt.",
  "cameras.picture": "Bild",
  "cameras.rate": "Bilder",
  "cameras.fps": "{fps} je Sekunde",
  "cameras.keyframes": "Schlüsselbilder",
  "cameras.keyframes-each": "eines alle {span}",
  "cameras.keyframes-none": "keine zwei gesehen",
  "cameras.sound": "Ton",
  "cameras.no-sound": "keiner",
  "cameras.mono": "{codec}, {rate} kHz",
  "cameras.stereo": "{codec}, {rate} kHz stereo",
  "cameras.data": "Menge",
  "cameras.data-each": "{rate}, {day} am Tag",
  "cameras.find-fine": "Alles gut: Diese Kamera passt für Live und Aufnahmen.",
  "cameras.find-h265":
    "H.265: Manche Browser können es nicht zeigen, darunter Chrome auf Linux und die meisten Firefox. Stellen Sie H.264 ein, oder geben Sie einen kleinen Strom in H.264 an.",
  "cameras.find-keyframes-far":
    "Nur alle {seconds} Sekunden ein Schlüsselbild: Sprünge in Aufnahmen dauern etwas länger. Besser sind 2 Sekunden („I-Frame-Intervall“).",
  "cameras.find-keyframes-very-far":
    "Nur alle {seconds} Sekunden ein Schlüsselbild: Sprünge in Aufnahmen sind langsam und Vorschauen grob. Stellen Sie das „I-Frame-Intervall“ auf 2 Sekunden und schalten Sie „Smart“-Codecs (H.264+) aus.",
  "cameras.find-keyframes-unseen":
    "Während der Prüfung kam kein zweites Schlüsselbild: Sie liegen weit auseinander. Stellen Sie das „I-Frame-Intervall“ auf 2 Sekunden und schalten Sie „Smart“-Codecs (H.264+) aus.",
  "cameras.find-left-out": "Weggelassen, weil es nicht aufgenommen werden kann: {what}.",
  "cameras.find-no-small":
    "{width}×{height} ist viel für viele Kacheln auf einmal. Hat die Kamera einen kleinen Strom, nutzen Sie ihn auch.",
  "cameras.find-not-small": "Dieser Strom ist nicht klein ({width}×{height}). Gut sind 640×360.",
  "cameras.find-reordered":
    "Die Kamera sendet Bilder in anderer Reihenfolge (B-Frames): Live wird dadurch später. Schalten Sie sie aus (Profil „Baseline“ oder „Main“ ohne B-Frames).",
  "cameras.find-slow": "Nur {fps} Bilder je Sekunde: Bewegungen ruckeln.",
  "cameras.find-slow-start": "Die Kamera brauchte {seconds} Sekunden bis zum ersten Bild.",
};
