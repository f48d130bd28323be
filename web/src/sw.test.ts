// The service worker answers for the shell's own files and pages, and for nothing else; old shells leave.

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
    addAll: async (requests: Request[]) => {
      for (const request of requests)
        entries.set(path(request), new Response(`shell ${path(request)}`));
    },
    match: async (request: string) => entries.get(path(request)),
  };
};

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
  vi.stubGlobal("SHELL_FILES", ["/", "/assets/index-1.js", "/icon.svg"]);
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
});

async function lifecycle(type: "install" | "activate"): Promise<void> {
  let done: Promise<unknown> = Promise.resolve();
  listeners.get(type)?.({ waitUntil: (work: Promise<unknown>) => (done = work) } as never);
  await done;
}

/** What it answers with; `null` when it leaves the request to the network. */
async function ask(
  address: string,
  { mode = "cors", method = "GET" } = {},
): Promise<string | null> {
  let given: Promise<Response> | null = null;
  const request = { url: new URL(address, ORIGIN).href, mode, method };
  const respondWith = (response: Promise<Response>) => {
    given = response;
  };
  listeners.get("fetch")?.({ request, respondWith } as never);
  const response = given as Promise<Response> | null;
  return response === null ? null : await (await response).clone().text();
}

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
