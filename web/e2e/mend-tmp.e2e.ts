// Temporary check of mended findings.
import { expect, onTestFinished, test } from "vitest";
import { synthetic } from "./harness/camera.ts";
import { Gateway } from "./harness/gateway.ts";
import { Person } from "./harness/person.ts";
import { Visitor } from "./harness/visitor.ts";
import { text } from "./harness/words.ts";

test.each(["prf", "plain"] as const)("mended %s", async (kind) => {
  const gateway = await Gateway.start({ cameras: [synthetic({ width: 640, height: 360 })] });
  onTestFinished(() => gateway.end());
  const owner = new Person(await Visitor.enter(gateway.origin, { passkeys: kind }), "pointer");
  await owner.claim(await gateway.claimLink(), "passkey");
  await owner.addSuggested();
  const link = await owner.invite();
  expect(link).toContain("&h=");
  const second = new Person(await Visitor.enter(gateway.origin, { passkeys: kind }), "pointer");
  await second.page.goto(`${gateway.origin}/join`);
  await second.hand.write(second.field("entry.link"), link.replace("localhost", "evil.example"));
  const foreign = second.page.locator('a[href*="evil.example"]');
  await foreign.waitFor();
  await second.page.screenshot({ path: "/tmp/mend-web/elsewhere.png" });
  await second.field("entry.link").fill(link);
  await second.press("ui.continue");
  await second.field("entry.device-name").waitFor();
  expect(second.page.url()).toBe(`${gateway.origin}/join`);
  // Another one in the address bar of the open page.
  await second.page.evaluate((l) => { location.hash = new URL(l).hash; }, link);
  await second.page.waitForFunction(() => location.hash === "");
  await second.hand.write(second.field("entry.device-name"), "Phone");
  await second.press("entry.join-now");
  await second.heading("entry.passkey").waitFor();
  await second.press("entry.passkey-make");
  await second.link("nav.live").waitFor();
  await owner.removeDevice("Phone");
  await owner.page.getByText(text("settings.passkeys-look")).waitFor();
  await owner.page.screenshot({ path: "/tmp/mend-web/look.png", fullPage: true });
  second.visitor.witness.expect(/status of 40[13]/, /WebSocket/);
  await owner.visitor.authenticator.recognises(false);
  owner.visitor.witness.expect(/status of 4\d\d/);
  await owner.press("settings.device-add");
  await owner.page.getByText(text("fault.not-confirmed")).waitFor();
  await owner.page.screenshot({ path: "/tmp/mend-web/refused.png" });
  await owner.page.evaluate(() => {
    window.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: true }));
  });
  await owner.heading("lock.title").waitFor();
});
