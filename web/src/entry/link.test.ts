// Which hosts can have passkeys, where a nameless page of this machine has a name, and that secrets leave the address bar
// whenever they come into it.

import { beforeEach, describe, expect, test, vi } from "vitest";
import { isAddress, underName } from "./link.ts";
import { judgePasted } from "./pasted.ts";

test.each([
  ["192.168.1.4", true],
  ["[fe80::1]", true],
  ["localhost", false],
  ["home.local", false],
  ["1.2.3.4.example", false],
])("%s: an address? %s", (host, is) => {
  expect(isAddress(host)).toBe(is);
});

test("the same link under localhost, with its secret", () => {
  expect(underName("http://127.0.0.1:8440/claim#t=x&g=y")).toBe(
    "http://localhost:8440/claim#t=x&g=y",
  );
  expect(underName("https://192.168.1.4/claim#t=x")).toBeNull();
});

describe("links that come into the address bar", () => {
  const HERE = "https://home.local";
  let links: typeof import("./link.ts");
  let page: EventTarget;
  const shown: string[] = [];

  function at(address: string): void {
    vi.stubGlobal("location", new URL(address, HERE));
  }

  beforeEach(async () => {
    vi.resetModules();
    shown.length = 0;
    page = new EventTarget();
    vi.stubGlobal("window", page);
    vi.stubGlobal("history", {
      replaceState: (_state: unknown, _title: string, address: string) => {
        shown.push(address);
        at(address);
      },
    });
    links = await import("./link.ts");
    return () => vi.unstubAllGlobals();
  });

  test("the one that the page is opened with is taken out", () => {
    at("/join#i=secret&g=x");
    links.watchLinks();
    expect(shown).toEqual(["/join"]);
    expect(links.linkTaken()).toBe(`${HERE}/join#i=secret&g=x`);
  });

  test("m_7_a_link_that_comes_into_an_open_page_is_taken_out", () => {
    at("/join");
    links.watchLinks();
    expect([links.linkTaken(), links.linksTaken()]).toEqual([null, 0]);
    for (const [count, event] of ["popstate", "hashchange"].entries()) {
      at(`/join#i=${event}&g=x`);
      page.dispatchEvent(new Event(event));
      expect(shown[count]).toBe("/join");
      expect(links.linkTaken()).toBe(`${HERE}/join#i=${event}&g=x`);
      expect(links.linksTaken()).toBe(count + 1);
    }
    links.dropLink();
    expect(links.linkTaken()).toBeNull();
  });

  test("fragments of other pages stay", () => {
    at("/settings/about#licences");
    links.watchLinks();
    page.dispatchEvent(new Event("hashchange"));
    expect([shown, links.linkTaken()]).toEqual([[], null]);
  });

  test("links are watched before the router starts", async () => {
    const { readFileSync } = await import("node:fs");
    const main = readFileSync(`${import.meta.dirname}/../main.ts`, "utf8");
    const [watching, routing] = [main.indexOf("\nwatchLinks();"), main.indexOf("\nstartRouter();")];
    expect(watching).toBeGreaterThan(0);
    expect(routing).toBeGreaterThan(watching);
  });
});

describe("what is pasted", () => {
  const HERE = "https://home.local";
  const id = "a".repeat(52);
  const secret = "A".repeat(43);
  const join = (origin: string) => `${origin}/join#i=${secret}&g=${id}`;

  test("a link of this gateway is taken, and none is opened", () => {
    const link = join(HERE);
    expect(judgePasted("join", ` ${link}\n`, HERE)).toEqual({ kind: "own", link });
    const claim = `${HERE}/claim#t=${secret}&g=${id}&s=${id}`;
    expect(judgePasted("claim", claim, HERE)).toEqual({ kind: "own", link: claim });
    expect(judgePasted("claim", link, HERE)).toEqual({ kind: "none" });
  });

  test("one of another address is told as that", () => {
    for (const origin of ["http://home.local", "https://evil.example", "https://home.local:1"]) {
      const link = join(origin);
      expect(judgePasted("join", link, HERE)).toEqual({ kind: "elsewhere", link, origin });
    }
  });

  test.each([
    `javascript:alert(1)//https://home.local/join#i=${secret}&g=${id}`,
    `javascript:alert(1)//join#i=${secret}&g=${id}`,
    `data:text/html,https://home.local/join#i=${secret}&g=${id}`,
    join("https://home.local@evil.example"),
    join("https://home.local:x@evil.example"),
    join("https://evil.example/home.local"),
    join("https://evil.example?home.local"),
    `${HERE}/join#i=${secret}`,
    "",
    "/join#",
  ])("%s is none", (text) => {
    expect(judgePasted("join", text, HERE)).toEqual({ kind: "none" });
  });
});
