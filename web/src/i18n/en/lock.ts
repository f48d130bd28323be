// Messages of the lock screen in English.

export const lock = {
  "lock.title": "Locked",
  "lock.text": "Nothing is open. Unlock with your passkey to watch.",
  "lock.unlock": "Unlock",
  "lock.other": "Other ways in",
  "lock.other-text":
    "If the passkey is lost, sign in anew with another passkey, an invitation or your 24 words.",
  "lock.sign-in": "Sign in another way",
  "lock.forget": "Forget this browser",
  "lock.forget-title": "Forget this browser?",
  "lock.forget-text":
    "All that the app keeps in this browser is removed. You come back in with a passkey, an invitation or your 24 words. Recordings are not touched. Remove this device from the list of devices, too, on another device.",
  "lock.forget-now": "Forget",
} as const;
