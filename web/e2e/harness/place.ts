// Where programs, clips and results lie. `cargo xtask e2e` says it; started by hand, the usual folders are taken.

import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

export const repository = resolve(import.meta.dirname, "../../..");

const { BARTIZAN_FIXTURES, BARTIZAN_PROGRAMS, CARGO_TARGET_DIR } = process.env;

const target = CARGO_TARGET_DIR ?? join(repository, "target");

/** The file of a program of the product. */
export function program(name: "bartizan" | "bartizan-gateway" | "bartizan-ingest"): string {
  const folder = BARTIZAN_PROGRAMS ?? join(target, "debug");
  const path = join(folder, name);
  if (!existsSync(path)) {
    throw new Error(`${path} is not built: run \`cargo xtask e2e\``);
  }
  return path;
}

/** A folder for clips, which are made once and used again by the system tests, too. */
export function fixtures(): string {
  return made(BARTIZAN_FIXTURES ?? join(target, "fixtures"));
}

/** A folder for what a failed test leaves to look at. */
export function leftovers(): string {
  return made(join(target, "e2e"));
}

function made(folder: string): string {
  mkdirSync(folder, { recursive: true });
  return folder;
}
