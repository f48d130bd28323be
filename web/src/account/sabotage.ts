// Switches controls off in builds for tests, so that tests of a control are seen to fail without it. In a build for people
// (its mode is `production`) the bundler leaves nothing of a switch.

declare global {
  interface ImportMetaEnv {
    /** A row of `docs/controls.toml`. */
    readonly VITE_SABOTAGE?: string;
  }
}

/** Stands before every switch: a constant, so that the bundler drops what follows it. */
export const TEST_BUILD = import.meta.env.MODE !== "production";

/** Whether the control of `row` is switched off. */
export function sabotaged(row: string): boolean {
  return TEST_BUILD && import.meta.env.VITE_SABOTAGE === row;
}
