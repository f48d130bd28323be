// Takes the pictures of the owner's guide (`cargo xtask e2e --guide`).

import { defineConfig } from "vitest/config";

export default defineConfig({
  root: import.meta.dirname,
  cacheDir: "../../node_modules/.vite-e2e",
  test: {
    environment: "node",
    include: ["*.guide.ts"],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 120_000,
  },
});
