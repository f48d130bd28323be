// The service worker answers for the shell's own files and pages, and for nothing else; old shells leave. What somebody
// wrote into its cache is never an answer.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, expect, test, vi } from "vitest";

const ORIGIN = "https://gateway.local";
const listeners = new Map<string, (event: never) => void>();
const stored = new Map<string, Map<string, Response>>();
const skipWaiting = vi.fn(async () => undefined);

const path = (request: Request | string) =>
  new URL(typeof request === "string" ? request : request.url, ORIGIN).pathname;
const cache = (name: string) => {
  const entries = stored.get(name) ?? new Map<string, Response>();
  stored.set(name, entries);
  return {
    put: async (request: string, response: Response) => void entries.set(path(request), response),
    match: async (request: string) => entries.get(path(request))?.clone(),
    delete: async (request: string) => entries.delete(path(request)),
  };
};

/** What the gateway has; tests bend it. */
const served = new Map<string, string>();
const shell = ["/", "/assets/index-1.js", "/icon.svg"].map((file) => [file, `shell ${file}`]);
const hashed = ([file = "", text = ""]: string[]) => [
  file,
  createHash("sha256").update(text).digest("hex"),
];

beforeAll(async () => {
  vi.stubGlobal("self", {
    location: new URL(ORIGIN),
    clients: { claim: async () => undefined },
    skipWaiting,
    addEventListener: (type: string, listener: (event: never) => void) =>
      listeners.set(type, listener),
  });
  vi.stubGlobal("caches", {
    open: async (name: string) => cache(name),
    keys: async () => [...stored.keys()],
    delete: async (name: string) => stored.delete(name),
  });
  vi.stubGlobal("fetch", async (request: Request) => new Response(served.get(path(request))));
  vi.stubGlobal("SHELL_FILES", Object.fromEntries(shell.map(hashed)));
  vi.stubGlobal("SHELL_HASH", "new");
  vi.stubGlobal(
    "Request",
    class {
      readonly url: string;
      constructor(address: string) {
        this.url = new URL(address, ORIGIN).href;
      }
    },
  );
  await import("./sw.ts");
});

beforeEach(() => {
  stored.clear();
  served.clear();
  for (const [file = "", text = ""] of shell) served.set(file, text);
});

async function lifecycle(type: "install" | "activate"): Promise<void> {
  let done: Promise<unknown> = Promise.resolve();
  listeners.get(type)?.({ waitUntil: (work: Promise<unknown>) => (done = work) } as never);
  await done;
}

/** Its answer; `null` when it leaves the request to the network. */
async function answerTo(
  address: string,
  { mode = "cors", method = "GET" } = {},
): Promise<Response | null> {
  let given: Promise<Response> | null = null;
  const request = { url: new URL(address, ORIGIN).href, mode, method };
  const respondWith = (response: Promise<Response>) => {
    given = response;
  };
  listeners.get("fetch")?.({ request, respondWith } as never);
  return await (given as Promise<Response> | null);
}

const ask = async (address: string, options = {}): Promise<string | null> =>
  (await (await answerTo(address, options))?.text()) ?? null;

test("pages of the app are answered with the start page", async () => {
  await lifecycle("install");
  for (const page of ["/", "/cameras/new", "/playback?t=5", "/settings/about", "/claim"]) {
    expect(await ask(page, { mode: "navigate" }), page).toBe("shell /");
  }
});

test("files of the shell come from the cache", async () => {
  await lifecycle("install");
  expect(await ask("/assets/index-1.js")).toBe("shell /assets/index-1.js");
});

test.each([
  ["/api/v1/cameras", {}],
  ["/api/v1/cameras/x/data", {}],
  ["/api/v1/cameras", { mode: "navigate" }],
  ["/assets/other.js", {}],
  ["/icon.svg?x", {}],
  ["/", {}],
  ["/", { mode: "navigate", method: "POST" }],
  ["/guide", { mode: "navigate" }],
  ["https://elsewhere.example/icon.svg", {}],
])("%s %o is left to the network", async (address, options) => {
  await lifecycle("install");
  expect(await ask(address, options)).toBeNull();
});

const kept = () => cache("bartizan-shell-new");

test("m_7_a_page_that_was_planted_in_the_cache_is_no_answer", async () => {
  await lifecycle("install");
  for (const [file, mode] of [
    ["/", "navigate"],
    ["/assets/index-1.js", "cors"],
  ] as const) {
    await kept().put(file, new Response("evil"));
    expect(await ask(file, { mode })).toBe(`shell ${file}`);
    expect(await (await kept().match(file))?.text()).toBe(`shell ${file}`);
    // Not only with the first answer of a worker: what is planted later is no answer either.
    await kept().put(file, new Response("evil again"));
    expect(await ask(file, { mode })).toBe(`shell ${file}`);
  }
});

test("m_7_headers_that_were_planted_in_the_cache_are_no_answer", async () => {
  await lifecycle("install");
  const headers = { "content-type": "text/html", "content-security-policy": "script-src *" };
  await kept().put("/icon.svg", new Response("shell /icon.svg", { headers, status: 203 }));
  const given = await answerTo("/icon.svg");
  expect(given?.status).toBe(200);
  expect(given?.headers.get("content-type")).toBe("image/svg+xml");
  expect(given?.headers.get("content-security-policy")).toContain("default-src 'none'");
});

test("m_7_a_version_of_other_bytes_than_the_builds_is_not_installed", async () => {
  served.set("/icon.svg", "evil");
  await expect(lifecycle("install")).rejects.toThrow("another version");
  expect(await kept().match("/")).toBeUndefined();
});

test("a gateway that has another version meanwhile answers with that", async () => {
  await lifecycle("install");
  await kept().delete("/");
  served.set("/", "newer");
  expect(await ask("/", { mode: "navigate" })).toBe("newer");
  expect(await kept().match("/")).toBeUndefined();
});

test("answers have the gateway's own headers", async () => {
  await lifecycle("install");
  const given = await answerTo("/", { mode: "navigate" });
  const app = join(import.meta.dirname, "../../shell/http/src/app.rs");
  const source = readFileSync(app, "utf8").replaceAll(/\\\n\s+/g, "");
  for (const [constant, name] of [
    ["CSP", "content-security-policy"],
    ["PERMISSIONS", "permissions-policy"],
  ] as const) {
    const text = new RegExp(`const ${constant}: [^"]+"([^"]+)"`).exec(source)?.[1];
    expect(given?.headers.get(name)).toBe(text);
  }
  expect(given?.headers.get("content-type")).toBe("text/html; charset=utf-8");
  for (const name of source.matchAll(/HeaderName::from_static\("([^"]+)"\)/g)) {
    expect(given?.headers.get(name[1] ?? ""), name[1]).not.toBeNull();
  }
});

test("a new version drops the shells of others, and no other cache", async () => {
  cache("bartizan-shell-old");
  cache("something-else");
  await lifecycle("install");
  await lifecycle("activate");
  expect([...stored.keys()].sort()).toEqual(["bartizan-shell-new", "something-else"]);
});

test("it takes over only when the page says so", () => {
  listeners.get("message")?.({ data: "anything" } as never);
  expect(skipWaiting).not.toHaveBeenCalled();
  listeners.get("message")?.({ data: "activate" } as never);
  expect(skipWaiting).toHaveBeenCalledOnce();
});
