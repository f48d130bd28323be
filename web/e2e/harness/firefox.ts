// Debian's Firefox, driven over WebDriver BiDi. It is a little older than the protocol that the driver speaks, so the one
// command that it does not know is answered in its place: it only sets what style sheets are told to prefer.

import { createRequire } from "node:module";
import { type Browser, firefox } from "playwright-core";

const UNKNOWN = new Set(["emulation.setMediaFeaturesOverride"]);

interface Socket {
  send(data: string, ...rest: unknown[]): unknown;
  emit(event: "message", data: Buffer, binary: boolean): void;
}

let patched = false;

/** Answers unknown commands before they are sent. */
function patch(): void {
  if (patched) {
    return;
  }
  patched = true;
  const bundle = createRequire(import.meta.url)("playwright-core/lib/utilsBundle") as {
    ws: { prototype: Socket };
  };
  const { prototype } = bundle.ws;
  const send = prototype.send;
  prototype.send = function (this: Socket, data, ...rest) {
    const { id, method } = JSON.parse(data) as { id: number; method: string };
    if (!UNKNOWN.has(method)) {
      return send.call(this, data, ...rest);
    }
    const answer = Buffer.from(JSON.stringify({ type: "success", id, result: {} }));
    queueMicrotask(() => this.emit("message", answer, false));
    return undefined;
  };
}

export function launchFirefox(headless: boolean): Promise<Browser> {
  patch();
  return firefox.launch({
    channel: "moz-firefox",
    executablePath: "/usr/bin/firefox-esr",
    headless,
    firefoxUserPrefs: {
      "app.update.enabled": false,
      "browser.newtabpage.enabled": false,
      "datareporting.policy.dataSubmissionEnabled": false,
      // Reading what the app copied, without a question that nobody answers.
      "dom.events.testing.asyncClipboard": true,
      // A canvas that a worker draws is read back by stopping it; now and then both wait for each other until this is over.
      "gfx.offscreencanvas.snapshot-timeout-ms": 200,
      "media.autoplay.default": 0,
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
    },
  });
}
