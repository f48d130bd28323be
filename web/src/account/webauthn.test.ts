// What of the gateway's options reaches an authenticator, and which locks come of it.

import { afterEach, expect, test, vi } from "vitest";

import { toBase64Url } from "../api/base64.ts";
import type { Environment } from "./environment.ts";
import { SoftAuthenticator } from "./testing/authenticator.ts";
import { browserAt, claim, codeOf } from "./testing/browser.ts";
import { FakeGateway } from "./testing/gateway.ts";
import { usePasskey } from "./webauthn.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A claimed gateway whose options are bent, and a browser that has no passkey yet. */
async function bentHome(bend: (options: Record<string, unknown>) => object) {
  const [gateway, authenticator] = [new FakeGateway(), new SoftAuthenticator("at-creation")];
  const asked: CredentialCreationOptions[] = [];
  const at = authenticator.at.bind(authenticator);
  authenticator.at = (origin) => {
    const { create, get } = at(origin);
    return {
      create: async (options) => {
        asked.push(options ?? {});
        return await create(options);
      },
      get,
    };
  };
  const browser = await browserAt(gateway, authenticator);
  await claim(gateway, browser);
  gateway.bend = (path, answer) => {
    if (path !== "POST /passkeys/options") return answer;
    const { options, ...rest } = answer as { options: Record<string, unknown> };
    return { ...rest, options: { ...options, ...bend(options) } };
  };
  return { ...browser, asked };
}

test("m_7_what_a_passkey_has_to_be_is_not_the_gateways_to_say", async () => {
  const { account, asked } = await bentHome(() => ({
    authenticatorSelection: { residentKey: "discouraged", userVerification: "discouraged" },
    attestation: "direct",
    timeout: 1,
    pubKeyCredParams: [{ type: "public-key", alg: -65535 }],
    extensions: { appidExclude: "https://evil.example", largeBlob: { support: "required" } },
    hints: ["hybrid"],
    excludeCredentials: [{ type: "public-key", id: "AQ", transports: ["usb", "evil"] }],
  }));
  await account.addPasskey();
  const made = asked[0]?.publicKey;
  expect(made).toMatchObject({
    ...{ attestation: "none", timeout: 120_000 },
    pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
    authenticatorSelection: {
      ...{ residentKey: "required", requireResidentKey: true, userVerification: "required" },
    },
    excludeCredentials: [{ type: "public-key", transports: ["usb"] }],
  });
  expect(Object.keys(made?.extensions ?? {})).toEqual(["prf"]);
  expect(made).not.toHaveProperty("hints");
});

test("m_7_a_passkey_for_another_host_or_member_is_not_made", async () => {
  const stranger = toBase64Url(new Uint8Array(16));
  for (const bend of [
    () => ({ rp: { id: "evil.example", name: "x" } }),
    () => ({ rp: { id: "host", name: "x" } }),
    () => ({ rp: { name: "x" } }),
    ({ user }: Record<string, unknown>) => ({ user: { ...(user as object), id: stranger } }),
  ]) {
    const { account, asked } = await bentHome(bend);
    expect(await codeOf(() => account.addPasskey())).toBe("passkey-not-yours");
    expect(asked).toEqual([]);
  }
});

test("m_7_a_passkey_is_used_with_user_verification_for_this_host_only", async () => {
  const asked: (CredentialRequestOptions | undefined)[] = [];
  const authenticators = {
    get: async (options?: CredentialRequestOptions) => {
      asked.push(options);
      return null;
    },
  };
  const environment = { origin: "https://a.local", authenticators } as unknown as Environment;
  const options = {
    ...{ challenge: "AQ", rpId: "a.local", userVerification: "discouraged", timeout: 1 },
    extensions: { appid: "https://evil.example" },
  };
  expect(await codeOf(() => usePasskey(environment, options))).toBe("passkey-cancelled");
  const { publicKey } = asked[0] ?? {};
  expect(publicKey).toMatchObject({ userVerification: "required", timeout: 120_000 });
  expect(Object.keys(publicKey?.extensions ?? {})).toEqual(["prf"]);
  for (const rpId of ["evil.local", "local", undefined]) {
    const bent = rpId === undefined ? { challenge: "AQ" } : { challenge: "AQ", rpId };
    expect(await codeOf(() => usePasskey(environment, bent))).toBe("passkey-not-yours");
  }
  expect(asked).toHaveLength(1);
});

test("m_7_no_weaker_lock_comes_to_stand_beside_a_passkeys_own", async () => {
  const [gateway, strong] = [new FakeGateway(), new SoftAuthenticator("at-creation")];
  const browser = await browserAt(gateway, strong);
  await claim(gateway, browser);
  await browser.account.addPasskey();
  const weak = new SoftAuthenticator("never");
  const both = { ...weak.at(gateway.origin), get: strong.at(gateway.origin).get };
  weak.at = () => both;
  const desk = await browserAt(gateway, weak, browser.store);
  await desk.account.unlock();
  expect(await codeOf(() => desk.account.addPasskey("Stick"))).toBe("passkey-weaker");
  expect(desk.store.record?.locks.map(({ kind }) => kind)).toEqual(["prf"]);
  expect(gateway.shares.size).toBe(0);
  expect(await desk.account.passkeys()).toHaveLength(1);
});
