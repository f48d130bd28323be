// From what is typed to the gateway's address: credentials are encoded, and mistakes are named by their field.

import { expect, test } from "vitest";
import type { Draft } from "./source.ts";
import {
  addressesOf,
  emptyDraft,
  parsePin,
  smallSourceOf,
  sourcesOf,
  splitCredentials,
  withCredentials,
} from "./source.ts";

const draft = (more: Partial<Draft>): Draft => ({ ...emptyDraft(), ...more });

test("a maker and a host become both addresses", () => {
  const given = draft({
    kind: "hikvision",
    host: "10.0.0.9",
    user: "cam",
    password: "p@ss:w/rd%?#",
  });
  expect(sourcesOf(given)).toEqual({
    main: {
      url: "rtsp://cam:p%40ss%3Aw%2Frd%25%3F%23@10.0.0.9/Streaming/Channels/101",
      transport: "tcp",
    },
    sub: {
      url: "rtsp://cam:p%40ss%3Aw%2Frd%25%3F%23@10.0.0.9/Streaming/Channels/102",
      transport: "tcp",
    },
  });
});

test("a host is put in as it is, whatever it contains", () => {
  expect(addressesOf(draft({ kind: "tplink", host: "$&" })).main).toBe("rtsp://$&/stream1");
});

test("a small stream alone is the maker's small one, or what was entered", () => {
  const maker = { kind: "tplink", host: "cam.lan", user: "u", withSub: false } as const;
  expect(smallSourceOf(draft(maker))).toEqual({
    sub: { url: "rtsp://u:@cam.lan/stream2", transport: "tcp" },
  });
  const typed = { address: "rtsp://cam.lan/2", subAddress: "rtsp://elsewhere/", user: "" };
  expect(smallSourceOf(draft(typed))).toEqual({
    sub: { url: "rtsp://cam.lan/2", transport: "tcp" },
  });
  expect(smallSourceOf(draft({ kind: "synthetic" }))).toMatchObject({ sub: {} });
  expect(smallSourceOf(draft({ address: "http://cam.lan" }))).toEqual({ wrong: ["address"] });
  expect(smallSourceOf(draft({ kind: "tplink", host: "" }))).toEqual({ wrong: ["host"] });
});

test("without the small stream there is only one", () => {
  const sources = sourcesOf(draft({ kind: "reolink", host: "cam.lan:8554", withSub: false }));
  expect(sources).toEqual({
    main: { url: "rtsp://cam.lan:8554/h264Preview_01_main", transport: "tcp" },
    sub: undefined,
  });
});

test("the test picture needs nothing", () => {
  expect(sourcesOf(draft({ kind: "synthetic" }))).toEqual({
    main: { url: "synthetic:" },
    sub: undefined,
  });
});

test.each([
  [{ kind: "axis", host: "" }, ["host"]],
  [{ kind: "axis", host: "rtsp://x" }, ["host"]],
  [{ kind: "axis", host: "a b" }, ["host"]],
  [{ address: "" }, ["address"]],
  [{ address: "http://camera/" }, ["address"]],
  [{ address: "rtsp://" }, ["address"]],
  [{ address: "rtsp://a/", subAddress: "nonsense" }, ["subAddress"]],
  [{ address: "rtsps://a/" }, ["pin"]],
] satisfies [Partial<Draft>, string[]][])("%o is wrong in %j", (given, wrong) => {
  expect(sourcesOf(draft(given))).toEqual({ wrong });
});

test("RTSP within TLS carries the pin", () => {
  const pin = "ab".repeat(32);
  const sources = sourcesOf(draft({ address: "rtsps://a/x", pin: pin.toUpperCase() }));
  expect(sources).toMatchObject({ main: { certificate: parsePin(pin) } });
});

test.each(["", "abc", "zz".repeat(32), "ab".repeat(33)])("%j is no fingerprint", (text) => {
  expect(parsePin(text)).toBeNull();
});

test("a fingerprint may be grouped by colons or spaces", () => {
  const pairs = Array.from({ length: 32 }, () => "0f");
  expect(parsePin(pairs.join(":"))).toBe(parsePin(pairs.join(" ")));
  expect(parsePin(pairs.join(""))).toMatch(/^[a-z2-7]{52}$/);
});

test("credentials of a pasted address go into their fields", () => {
  expect(splitCredentials("rtsp://me:a%20b:c@10.0.0.9:554/x@y?z")).toEqual({
    address: "rtsp://10.0.0.9:554/x@y?z",
    user: "me",
    password: "a b:c",
  });
  expect(splitCredentials("rtsp://me@h/")).toMatchObject({ user: "me", password: "" });
  expect(splitCredentials("rtsp://h/x@y")).toEqual({ address: "rtsp://h/x@y" });
  expect(splitCredentials("rtsp://u:50%@h/")).toMatchObject({ password: "50%" });
});

test("what is taken apart can be put together again", () => {
  const { address, user = "", password = "" } = splitCredentials("rtsp://u:p%40%2F@h/x");
  expect(withCredentials(address, user, password)).toBe("rtsp://u:p%40%2F@h/x");
});
