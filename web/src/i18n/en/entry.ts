// Messages of the ways in (claim, join, sign in) in English.

export const entry = {
  "entry.language": "Language",
  "entry.step": "Step {n} of {of}",
  "entry.claim": "Claim this gateway",
  "entry.join": "Join",
  "entry.sign-in": "Sign in",
  "entry.claim-title": "This gateway becomes yours",
  "entry.claim-lead":
    "You opened the link of a gateway that belongs to nobody yet. In a few minutes it records for you, and for nobody else.",
  "entry.claim-sealed": "Sealed next to the camera",
  "entry.claim-sealed-text":
    "Pictures are encrypted before they are stored. Only devices that you let in can open them: not the gateway, not a thief, not us.",
  "entry.claim-paper": "Have pen and paper ready",
  "entry.claim-paper-text":
    "You write down 24 words. They are the last way in when all devices are lost.",
  "entry.claim-passkey": "A passkey instead of a password",
  "entry.claim-passkey-text":
    "You unlock the app as you unlock this device: by finger, face or PIN.",
  "entry.begin": "Begin",
  "entry.begin-anyway": "Go on without a passkey",
  "entry.nameless": "Passkeys need a name instead of numbers",
  "entry.nameless-text":
    "This page was opened by an IP address. Open it by the gateway's name, for example https://NAME.local, as the gateway prints it.",
  "entry.nameless-here":
    "This page was opened by an IP address. On this very machine it is called localhost as well.",
  "entry.nameless-go": "Open it as localhost",
  "entry.names": "Who are you?",
  "entry.names-lead": "Names are for the people of this site.",
  "entry.name-missing": "Enter a name.",
  "entry.your-name": "Your name",
  "entry.device-name": "Name of this device",
  "entry.device-name-hint": "So that you recognise it in the list of devices.",
  "entry.words": "Your 24 words",
  "entry.words-lead": "Write them down in this order, on paper. They are shown only now.",
  "entry.words-warning": "Whoever has these words has everything",
  "entry.words-warning-text":
    "Keep the paper where you keep a passport. Nobody can give you the words a second time, and nobody of Bartizan ever asks for them.",
  "entry.words-no-paper": "I have no paper at hand",
  "entry.words-no-paper-text":
    "Paper is safest: printers, clipboards and files keep copies that others may find. Remove the copy as soon as the words are on paper.",
  "entry.print": "Print",
  "entry.download": "Save as a file",
  "entry.words-copied": "Copied. Clear the clipboard afterwards.",
  "entry.words-written": "I have written them down",
  "entry.rested": "The words left the screen",
  "entry.rested-text":
    "Nobody touched this device for {minutes} minutes, so they were taken away to keep them yours. Nothing is lost: begin again whenever you like. You get new words; cross out those on your paper.",
  "entry.rested-again": "Begin again",
  "entry.rested-words":
    "The words left the screen, because nobody touched this device for {minutes} minutes. Enter them again whenever you like.",
  "entry.confirm": "Check your paper",
  "entry.confirm-lead": "Enter these three words from the paper.",
  "entry.word-n": "Word {n}",
  "entry.word-wrong": "This is not word {n}. Compare it with your paper.",
  "entry.claim-now": "Make it mine",
  "entry.words-again": "Show the words again",
  "entry.passkey-first": "It is yours. Now a passkey",
  "entry.passkey": "A passkey for this device",
  "entry.passkey-lead": "With it you unlock the app on this device by finger, face or PIN.",
  "entry.passkey-text":
    "The passkey locks the keys to your pictures. Without it, nobody who sits down at this device sees anything.",
  "entry.passkey-make": "Make a passkey",
  "entry.passkey-made": "This device is set up.",
  "entry.passkey-later": "Later: sign me out when this tab closes",
  "entry.passkey-impossible": "No passkeys at this address",
  "entry.passkey-impossible-text":
    "You stay signed in until this tab closes. Open the app by the gateway's name to make a passkey there.",
  "entry.passkey-not-here":
    "Passkeys need a browser of today and the gateway's name in the address.",
  "entry.no-claim-link": "The claim link is missing",
  "entry.no-claim-link-text":
    "The gateway prints a link when it is started for the first time. Open it whole, or paste it here. It is good for 15 minutes; starting the gateway again makes a new one.",
  "entry.no-invitation": "The invitation is missing",
  "entry.no-invitation-text":
    "On a device that is signed in, open Settings, then Devices, and choose “Add a device”. Scan the code with this device's camera, or paste the link here.",
  "entry.link": "Link",
  "entry.link-wrong-claim": "This is not a claim link: it has /claim# in it.",
  "entry.link-wrong-join": "This is not an invitation link: it has /join# in it.",
  "entry.link-elsewhere": "This link is for another address",
  "entry.link-elsewhere-text":
    "Nothing of it is used here. If you know and trust that address, open the link there:",
  "entry.join-title": "Join with this device",
  "entry.join-lead":
    "You were invited from a device that is signed in. This device gets the same rights.",
  "entry.join-already": "This browser has an account already",
  "entry.join-already-text": "Joining replaces it here.",
  "entry.join-now": "Join",
  "entry.the-words": "The 24 words",
  "entry.the-words-hint": "In their order, with spaces between. So far: {count}.",
  "entry.sign-in-words": "Sign in with the words",
  "entry.sign-in-passkey": "Sign in with a passkey",
  "entry.by-invitation": "With an invitation",
  "entry.by-invitation-text":
    "On a device that is signed in, open Settings, then Devices, and choose “Add a device”. It shows a code: scan it with this device's camera, and this page opens by itself.",
  "entry.have-link": "I have a link",
  "entry.by-words": "With the 24 words",
  "entry.by-owner": "I have none of these",
  "entry.by-owner-text":
    "Ask an owner of this site for an invitation. If the gateway is new, start it and open the claim link that it prints.",
  "entry.already": "You are signed in",
  "entry.already-text": "This browser has an open account.",
  "entry.suggested": "Your first cameras",
  "entry.suggested-lead": "The gateway was started with these. Name them, and watch.",
  "entry.suggested-name": "Name of camera {n}",
  "entry.suggested-default": "Camera {n}",
  "entry.suggested-add": "Add and watch",
  "entry.suggested-skip": "Not now",
} as const;
