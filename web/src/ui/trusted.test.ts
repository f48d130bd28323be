// Which addresses may become scripts: files of the app, and nothing that a page made up.

import { expect, test } from "vitest";

import { ownScript } from "./trusted.ts";

const HERE = "https://gateway.local:8440";

test("workers and the service worker are scripts", () => {
  for (const path of ["/assets/live.worker-1a.js", "/sw.js"]) {
    expect(ownScript(path, HERE, true)).toBe(`${HERE}${path}`);
  }
  expect(ownScript("/src/live/live.worker.ts?worker_file", HERE, false)).toContain("/src/");
});

test.each([
  `blob:${HERE}/5f0c`,
  "data:text/javascript,alert(1)",
  "javascript:alert(1)",
  "https://elsewhere.example/assets/a.js",
  "http://gateway.local:8440/assets/a.js",
  "/api/v1/cameras/x/data",
  "/assets/../api/v1/site",
  "/sw.js/x",
])("%s is none", (address) => {
  expect(() => ownScript(address, HERE, true)).toThrow(TypeError);
});

test("a blob is none on a development server either", () => {
  expect(() => ownScript(`blob:${HERE}/5f0c`, HERE, false)).toThrow(TypeError);
});
