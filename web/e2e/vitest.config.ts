// Tests of the whole product in real browsers. Two files run side by side, each with programs, folders, ports and browsers of its
// own; those that judge how smoothly pictures come run alone afterwards, because pictures need the processor's time.

import { defineConfig } from "vitest/config";

/** Files that judge speeds and ages of pictures. */
const ALONE = ["live.e2e.ts", "playback.e2e.ts"];

/** What both have in common. */
const common = {
  root: import.meta.dirname,
  environment: "node",
  testTimeout: 180_000,
  hookTimeout: 120_000,
  teardownTimeout: 30_000,
} as const;

export default defineConfig({
  root: import.meta.dirname,
  cacheDir: "../node_modules/.vite-e2e",
  test: {
    projects: [
      {
        test: {
          ...common,
          name: "together",
          include: ["*.e2e.ts"],
          exclude: ALONE,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: "alone",
          include: ALONE,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
