// The build and its tests. Tests run in Node, whose WebCrypto is the browsers' API.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Gathers the licences of all packages that are in the app, whose terms ask for it, into one file. */
function licences(): Plugin {
  const folder = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//;
  return {
    name: "bartizan-licences",
    apply: "build",
    generateBundle() {
      const found = [...this.getModuleIds()]
        .map((id) => folder.exec(id))
        .filter((each) => each !== null);
      const packages = new Map(found.map(([path, name = ""]) => [name, path]));
      const texts = [...packages].sort().map(([name, path]) => {
        const file = readdirSync(path).find((each) => /^licen[cs]e/i.test(each));
        if (file === undefined) throw new Error(`${name} has no licence file`);
        return `${name}\n\n${readFileSync(join(path, file), "utf8").trim()}\n`;
      });
      this.emitFile({
        type: "asset",
        fileName: "licences.txt",
        source: texts.join(`\n${"-".repeat(72)}\n\n`),
      });
    },
  };
}

/** Files of `public/`, which Vite copies as they are. */
function publicFiles(): [string, Uint8Array][] {
  const folder = join(import.meta.dirname, "public");
  return readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]);
}

/** Writes into the service worker the hash of each file of the app's shell, and one over all of them. */
function shell(): Plugin {
  return {
    name: "bartizan-shell",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_options, { "sw.js": worker, ...others }) {
        if (worker?.type !== "chunk") return;
        const built = Object.entries(others).map(
          ([name, file]) => [name, file.type === "chunk" ? file.code : file.source] as const,
        );
        const files = new Map<string, string | Uint8Array>([...publicFiles(), ...built]);
        const names = [...files.keys()].sort();
        const hash = createHash("sha256").update(worker.code);
        for (const name of names) hash.update(`\n${name}\n`).update(files.get(name) ?? "");
        const hashes = names.map((name) => {
          const path = name === "index.html" ? "/" : `/${name}`;
          const body = files.get(name) ?? "";
          return [path, createHash("sha256").update(body).digest("hex")];
        });
        worker.code = worker.code
          .replaceAll("SHELL_FILES", JSON.stringify(Object.fromEntries(hashes)))
          .replaceAll("SHELL_HASH", JSON.stringify(hash.digest("hex").slice(0, 16)));
      },
    },
  };
}

export default defineConfig({
  plugins: [svelte(), licences(), shell()],
  build: {
    target: "es2023",
    // Colours are written once for light and dark (`light-dark`): browsers since 2024.
    cssTarget: ["chrome123", "firefox121", "safari17.5"],
    // Fonts and pictures stay files: the Content-Security-Policy knows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: "index.html", sw: "src/sw.ts" },
      output: {
        entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
      },
    },
  },
  worker: { format: "es" },
  test: {
    environment: "node",
    include: ["src/**/*.test.ts"],
    // Without this one processor is left alone, which is half of a small machine.
    maxWorkers: "100%",
    testTimeout: 30_000,
  },
});
