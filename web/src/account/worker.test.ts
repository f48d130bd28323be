// What a worker hears of the gateway is what the page acts on: a device that was removed is signed out at once.

import { afterEach, expect, test, vi } from "vitest";

import { SoftAuthenticator } from "./testing/authenticator.ts";
import { browserAt, claim, reaches, sessionOf } from "./testing/browser.ts";
import { FakeGateway, Refusal } from "./testing/gateway.ts";
import { workerClient } from "./worker.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

/** An owner's browser, and a second one of a phone with a worker whose messages reach its page. */
async function home() {
  const [gateway, authenticator] = [new FakeGateway(), new SoftAuthenticator("at-creation")];
  const owner = await browserAt(gateway, authenticator);
  await claim(gateway, owner);
  await owner.account.addPasskey();
  const phone = await browserAt(gateway, authenticator);
  await phone.account.signInWithPasskey("Phone");
  const session = sessionOf(phone);
  const told = vi.fn(() => session.client.signedOut());
  const worker = workerClient(structuredClone(session.client.seed), told);
  return { gateway, owner, phone, session, told, worker };
}

test("a device that was removed is signed out by the first worker that hears of it", async () => {
  const { owner, phone, session, told, worker } = await home();
  await worker.get("/site");
  await owner.account.removeDevice(session.device);
  expect(phone.account.state.kind).toBe("open");
  const heard = vi.fn();
  await worker.openLive("cam", "sub").catch(heard);
  expect(heard).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ signedOut: true }));
  await reaches(phone, "signed-out");
  expect(told).toHaveBeenCalledExactlyOnceWith({ kind: "signed-out" });
  expect(heard).toHaveBeenCalledBefore(told);
  expect(session.signal.aborted).toBe(true);
});

test("what a worker says late changes nothing", async () => {
  const { owner, phone, session, told, worker } = await home();
  await owner.account.removeDevice(session.device);
  phone.account.lock();
  await expect(worker.get("/site")).rejects.toMatchObject({ signedOut: true });
  await vi.waitFor(() => expect(told).toHaveBeenCalledOnce());
  await phone.account.start();
  expect(phone.account.state.kind).toBe("locked");
});

test("refusals of other kinds sign nobody out", async () => {
  const { gateway, phone, told, worker } = await home();
  gateway.guard = () => {
    throw new Refusal(403, "forbidden");
  };
  await expect(worker.openLive("cam", "sub")).rejects.toMatchObject({ status: 403 });
  await new Promise((later) => setTimeout(later)); // What a worker tells comes a task later.
  expect(told).not.toHaveBeenCalled();
  expect(phone.account.state.kind).toBe("open");
});
