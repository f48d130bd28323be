// What went wrong and what to do, in German.

import type { problems as en } from "../en/problems.ts";
import type { Translation } from "../messages.ts";

export const problems: Translation<typeof en> = {
  "problem.unknown": "Etwas ist schiefgegangen",
  "problem.unknown.do": "Versuchen Sie es noch einmal. Wenn es bleibt, laden Sie die App neu.",
  "problem.wait": "Versuchen Sie es in {span} wieder.",
  "problem.reference": "Das Protokoll des Gateways sagt mehr unter {reference}.",
  "problem.already-exists": "Das gibt es schon",
  "problem.already-exists.do": "Laden Sie neu, um den jetzigen Stand zu sehen.",
  "problem.cross-origin": "Das Gateway hat die Anfrage einer fremden Seite abgelehnt",
  "problem.cross-origin.do": "Öffnen Sie die App unter der Adresse des Gateways.",
  "problem.data-loss": "Gespeicherte Daten sind beschädigt",
  "problem.data-loss.do": "Prüfen Sie den Datenträger des Gateways.",
  "problem.forbidden": "Das dürfen Sie nicht",
  "problem.forbidden.do": "Fragen Sie jemanden, dem diese Anlage gehört.",
  "problem.internal": "Im Gateway ist etwas schiefgegangen",
  "problem.internal.do": "Versuchen Sie es noch einmal.",
  "problem.misdirected": "Das Gateway kennt sich unter diesem Namen nicht",
  "problem.misdirected.do": "Öffnen Sie die App unter der Adresse, die das Gateway nennt.",
  "problem.not-found": "Das ist nicht da",
  "problem.not-found.do": "Es wurde vielleicht entfernt, oder Sie dürfen es nicht sehen.",
  "problem.not-understood": "Diese App versteht die Antwort des Gateways nicht",
  "problem.not-understood.do": "Laden Sie die App neu: Sie ist vielleicht älter als das Gateway.",
  "problem.offline": "Das Gateway antwortet nicht",
  "problem.offline.do":
    "Prüfen Sie, ob dieses Gerät im Netz des Gateways ist und ob das Gateway läuft.",
  "problem.timeout": "Das Gateway hat zu lange nicht geantwortet",
  "problem.timeout.do": "Versuchen Sie es noch einmal.",
  "problem.too-large": "Das ist zu groß",
  "problem.too-many-requests": "Zu viele Versuche",
  "problem.unauthenticated": "Das Gateway kennt dieses Gerät nicht",
  "problem.unauthenticated.do":
    "Sperren Sie die App und entsperren Sie sie wieder. Hilft das nicht, melden Sie sich neu an.",
  "problem.unavailable": "Das kann das Gateway gerade nicht",
  "problem.camera-bad-url": "Das ist nicht die Adresse eines Kamerastroms",
  "problem.camera-bad-url.do": "Sie beginnt mit rtsp:// oder rtsps://, dann kommen Gerät und Pfad.",
  "problem.camera-closed": "Die Kamera hat die Verbindung beendet",
  "problem.camera-closed.do":
    "Vielleicht sehen schon zu viele zu. Starten Sie die Kamera neu oder verringern Sie ihre Ströme.",
  "problem.camera-forbidden": "Die Kamera lässt diesen Benutzer nicht zu",
  "problem.camera-forbidden.do":
    "Erlauben Sie ihm in den Einstellungen der Kamera, Ströme (RTSP) zu sehen.",
  "problem.camera-no-such-host": "Es gibt kein Gerät dieses Namens",
  "problem.camera-no-such-host.do":
    "Prüfen Sie den Namen, oder nehmen Sie die IP-Adresse der Kamera.",
  "problem.camera-not-found": "Die Kamera kennt diesen Strom nicht",
  "problem.camera-not-found.do":
    "Prüfen Sie den Pfad: Er steht in der Anleitung oder in den Einstellungen der Kamera.",
  "problem.camera-protocol": "Die Kamera spricht RTSP nicht, wie sie soll",
  "problem.camera-protocol.do":
    "Prüfen Sie den Port, und bringen Sie die Software der Kamera auf den neuesten Stand.",
  "problem.camera-redirected": "Die Kamera verweist auf ein anderes Gerät",
  "problem.camera-redirected.do": "Geben Sie dessen Adresse ein.",
  "problem.camera-stalled": "Die Kamera sendet nicht mehr",
  "problem.camera-stalled.do": "Prüfen Sie Netz und Strom. Über WLAN ist TCP der sicherere Weg.",
  "problem.camera-unauthorized": "Benutzername oder Passwort stimmen nicht",
  "problem.camera-unauthorized.do":
    "Nehmen Sie die der Kamera selbst. Bei manchen muss RTSP erst eingeschaltet werden.",
  "problem.camera-unreachable": "Die Kamera antwortet nicht",
  "problem.camera-unreachable.do":
    "Prüfen Sie, ob sie an ist, ob die Adresse stimmt und ob RTSP eingeschaltet ist.",
  "problem.camera-unsupported-video": "Die Kamera sendet kein Bild, das aufgenommen werden kann",
  "problem.camera-unsupported-video.do": "Stellen Sie in der Kamera H.264 (oder H.265) ein.",
  "problem.camera-untrusted-certificate":
    "Das Zertifikat der Kamera ist nicht das, dem Sie vertrauen",
  "problem.camera-untrusted-certificate.do":
    "Geben Sie den SHA-256-Fingerabdruck ihres Zertifikats ein. Hat er sich ohne Grund geändert, klären Sie erst, warum.",
  "fault.not-a-claim-link": "Das ist kein Einrichtungslink",
  "fault.not-a-claim-link.do":
    "Öffnen Sie den Link, den das Gateway beim Start ausgegeben hat, ganz.",
  "fault.not-an-invitation": "Das ist kein Einladungslink",
  "fault.not-an-invitation.do":
    "Öffnen Sie den ganzen Link, oder scannen Sie den Code noch einmal.",
  "fault.other-origin": "Dieser Link gehört zu einer anderen Adresse des Gateways",
  "fault.other-origin.do": "Öffnen Sie ihn unter {origins}.",
  "fault.bad-name": "Dieser Name geht nicht",
  "fault.bad-name.do": "Namen haben 1 bis 64 Zeichen und keine Steuerzeichen.",
  "fault.not-claimable": "Dieses Gateway gehört schon jemandem",
  "fault.not-claimable.do": "Melden Sie sich an, oder bitten Sie um eine Einladung.",
  "fault.claim-refused": "Dieser Einrichtungslink ist verbraucht oder zu alt",
  "fault.claim-refused.do":
    "Er gilt 15 Minuten. Starten Sie das Gateway neu und öffnen Sie den neuen Link.",
  "fault.other-gateway": "Das ist nicht das Gateway, das den Link ausgegeben hat",
  "fault.other-gateway.do":
    "Es wurde nichts eingerichtet. Vielleicht steht jemand zwischen Ihnen und dem Gateway: Prüfen Sie das Netz und beginnen Sie mit einem neuen Link.",
  "fault.not-pinned": "Das Gateway hat seinen neuen Besitz nicht bestätigt",
  "fault.not-pinned.do": "Starten Sie das Gateway neu und öffnen Sie den neuen Link.",
  "fault.maybe-claimed": "Die Verbindung brach beim letzten Schritt ab",
  "fault.maybe-claimed.do":
    "Behalten Sie Ihre 24 Wörter und melden Sie sich damit an. Geht das nicht, öffnen Sie den Einrichtungslink noch einmal.",
  "fault.words-not-confirmed": "Das sind nicht die gefragten Wörter",
  "fault.words-not-confirmed.do": "Vergleichen Sie sie mit dem, was Sie aufgeschrieben haben.",
  "fault.words-count": "Ein Wiederherstellungsschlüssel hat 24 Wörter",
  "fault.words-count.do": "Sie haben {words} eingegeben.",
  "fault.words-unknown": "Wort {place} steht nicht in der Liste",
  "fault.words-unknown.do": "Prüfen Sie seine Schreibweise. Die Wörter sind englisch.",
  "fault.words-checksum": "Diese Wörter gehören nicht zusammen",
  "fault.words-checksum.do": "Eines davon ist falsch, oder zwei sind vertauscht.",
  "fault.other-words": "Das sind die Wörter eines anderen Haushalts",
  "fault.other-words.do":
    "Nehmen Sie die, die bei der Einrichtung dieses Gateways aufgeschrieben wurden.",
  "fault.not-claimed": "Dieses Gateway gehört noch niemandem",
  "fault.not-claimed.do":
    "Öffnen Sie den Einrichtungslink, den das Gateway beim Start ausgegeben hat.",
  "fault.not-anchored": "Das Gateway kann nicht beweisen, dass es Ihres ist",
  "fault.not-anchored.do": "Es wurde nichts preisgegeben. Prüfen Sie, ob die Adresse stimmt.",
  "fault.not-me": "Das Gateway hat für jemand anderen geantwortet",
  "fault.not-me.do": "Versuchen Sie es noch einmal.",
  "fault.invitation-over": "Diese Einladung ist verbraucht oder zu alt",
  "fault.invitation-over.do":
    "Sie gilt einmal und zehn Minuten lang. Machen Sie auf einem angemeldeten Gerät eine neue.",
  "fault.busy": "Jemand anderes ändert diese Anlage gerade",
  "fault.busy.do": "Versuchen Sie es noch einmal.",
  "fault.signed-out": "Dieses Gerät ist abgemeldet",
  "fault.signed-out.do": "Es wurde entfernt oder lange nicht benutzt. Melden Sie sich wieder an.",
  "fault.passkeys-missing": "Dieser Browser hat hier keine Passkeys",
  "fault.passkeys-missing.do":
    "Nehmen Sie einen heutigen Browser und eine Adresse mit https:// oder localhost.",
  "fault.needs-name": "Passkeys brauchen eine Adresse mit einem Namen",
  "fault.needs-name.do": "Öffnen Sie die App unter {origins}.",
  "fault.passkey-cancelled": "Der Passkey wurde nicht benutzt",
  "fault.passkey-cancelled.do":
    "Die Abfrage wurde abgebrochen oder hat zu lange gedauert. Versuchen Sie es noch einmal.",
  "fault.passkey-unsuitable": "Dieser Passkey ist hier nicht brauchbar",
  "fault.passkey-unsuitable.do":
    "Er muss per Finger, Gesicht oder PIN prüfen, dass Sie es sind. Wählen Sie einen anderen.",
  "fault.passkey-unknown": "Das Gateway kennt diesen Passkey nicht",
  "fault.passkey-unknown.do":
    "Wählen Sie einen anderen, oder nehmen Sie eine Einladung oder Ihre 24 Wörter.",
  "fault.passkey-brings-no-keys":
    "Dieser Passkey kann Ihre Schlüssel nicht auf ein neues Gerät bringen",
  "fault.passkey-brings-no-keys.do":
    "Machen Sie auf einem angemeldeten Gerät eine Einladung, oder nehmen Sie Ihre 24 Wörter.",
  "fault.passkey-opens-nothing": "Dieser Passkey entsperrt diesen Browser nicht",
  "fault.passkey-opens-nothing.do":
    "Wählen Sie den, den Sie hier gemacht haben, oder nehmen Sie Ihre 24 Wörter.",
  "fault.passkey-not-yours": "Das Gateway fragt nach einem Passkey, der nicht Ihrer ist",
  "fault.passkey-not-yours.do":
    "Es wurde nichts erstellt oder benutzt. Prüfen Sie die Adresse dieser Seite; vielleicht greift jemand in das Gateway ein.",
  "fault.passkey-weaker": "Dieser Passkey gibt kein eigenes Geheimnis her",
  "fault.passkey-weaker.do":
    "Dieser Browser ist mit einem gesperrt, der das kann, und bleibt es. Wählen Sie einen anderen, und löschen Sie diesen aus den Passwörtern Ihres Geräts.",
  "fault.not-confirmed": "Niemand hat bestätigt, dass Sie es sind",
  "fault.not-confirmed.do":
    "Es wurde nichts geändert. Versuchen Sie es noch einmal mit einem Passkey, der diesen Browser entsperrt.",
  "fault.last-lock": "Das ist der letzte Passkey, der diesen Browser entsperrt",
  "fault.last-lock.do": "Fügen Sie erst einen anderen hinzu.",
  "fault.no-account": "In diesem Browser ist niemand angemeldet",
  "fault.no-account.do": "Melden Sie sich an.",
  "fault.locked": "Die App ist gesperrt",
  "fault.locked.do": "Entsperren Sie sie erst.",
  "fault.store-damaged": "Was dieser Browser gespeichert hat, ist beschädigt",
  "fault.store-damaged.do": "Melden Sie sich mit Passkey, Einladung oder Ihren 24 Wörtern neu an.",
  "fault.store-failed": "Dieser Browser speichert nichts",
  "fault.store-failed.do":
    "Verlassen Sie das private Fenster, oder schaffen Sie Platz auf dem Gerät.",
  "fault.roster-rolled-back":
    "Das Gateway zeigt einen älteren Stand, als dieses Gerät schon kannte",
  "fault.roster-rolled-back.do":
    "Es wird nichts davon übernommen. Vielleicht wurde eine Sicherung eingespielt, oder jemand greift ein.",
  "fault.roster-refused": "Das Gateway zeigt eine Mitgliederliste, die der Prüfung nicht standhält",
  "fault.roster-refused.do": "Es wird nichts davon übernommen. Vielleicht greift jemand ein.",
};
