import { expect, test } from "vitest";

import { toBase64Url } from "../api/base64.ts";
import type { Hash } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";
import { guessDeviceName } from "./environment.ts";
import { invitationLink, parseClaimLink, parseInvitationLink, requireOwn } from "./link.ts";
import { parseName } from "./name.ts";

const origin = "https://bartizan.local:8440";
const token = toBase64Url(new Uint8Array(32).fill(1));
const [g, s] = [2, 3].map((byte) => idOf<Hash>(new Uint8Array(32).fill(byte)));

test("claim links are read, with a pin or without", () => {
  for (const pin of ["", `&p=${g}`]) {
    const link = parseClaimLink(`  ${origin}/claim#t=${token}&g=${g}&s=${s}${pin}\n`);
    expect(link).toEqual({ origin, token: new Uint8Array(32).fill(1), gateway: g, sealer: s });
  }
});

test("half a claim link is refused", () => {
  const texts = [
    ...["", "http://x/claim#", "http://x/claim#t=AQ&g=a&s=b", `ftp://x/claim#t=${token}`],
    ...[`${origin}/claim#t=${token}&g=${g}`, `${origin}/claim#t=${token}&g=${g}&s=${s}x`],
    `${origin}/claim#t=${token}x&g=${g}&s=${s}`,
  ];
  for (const text of texts) expect(() => parseClaimLink(text), text).toThrow("not-a-claim-link");
});

test("invitation links round trip", () => {
  const link = { origin, secret: new Uint8Array(32).fill(9), genesis: g as Hash, head: s as Hash };
  expect(parseInvitationLink(invitationLink(link))).toEqual(link);
  expect(parseInvitationLink(invitationLink({ ...link, head: null })).head).toBeNull();
  expect(parseInvitationLink(`${invitationLink(link)}&p=${s}`)).toEqual(link);
  const whole = invitationLink({ ...link, head: null });
  for (const text of [
    "",
    "http://x/join#",
    "http://x/join#i=AQ&g=a",
    `${whole}&h=`,
    `${whole}&h=a`,
  ]) {
    expect(() => parseInvitationLink(text)).toThrow("not-an-invitation");
  }
});

test("a link is for the page's own address only", () => {
  requireOwn({ origin: "https://a:443" }, "https://a");
  expect(() => requireOwn({ origin: "https://b" }, "https://a")).toThrow("other-origin");
  expect(() => requireOwn({ origin: "http://a" }, "https://a")).toThrow("other-origin");
});

test("names follow the gateway's rules", () => {
  expect(parseName("  Küche 🎥 ")).toBe("Küche 🎥");
  expect(parseName("🎥".repeat(64))).toHaveLength(128);
  for (const bad of ["", "  ", "a\nb", "a\u0000", "a\u202eb", "a\u200fb", "🎥".repeat(65)]) {
    expect(() => parseName(bad)).toThrow("bad-name");
  }
});

test("devices are called by browser and system", () => {
  const names = {
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36":
      "Chrome, Linux",
    "Mozilla/5.0 (Android 15; Mobile; rv:153.0) Gecko/153.0 Firefox/153.0": "Firefox, Android",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1":
      "Safari, iPhone",
    "Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/156.0 Safari/537.36 Edg/156.0": "Edge, Windows",
    "something else": "Browser",
  };
  for (const [agent, name] of Object.entries(names)) expect(guessDeviceName(agent)).toBe(name);
});
