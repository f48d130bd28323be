// Measures the app in a browser (`cargo xtask bench app`).

import { defineConfig } from "vitest/config";

export default defineConfig({
  root: import.meta.dirname,
  cacheDir: "../../node_modules/.vite-e2e",
  test: {
    environment: "node",
    include: ["*.measure.ts"],
    fileParallelism: false,
    testTimeout: 3_600_000,
    hookTimeout: 120_000,
  },
});
