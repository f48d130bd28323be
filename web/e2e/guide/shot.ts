// One picture of a screen, as small as a file as the eye allows: a palette of its own instead of 16 million colours.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";

const PALETTE =
  "split[a][b];[a]palettegen=max_colors=128:stats_mode=single[p];[b][p]paletteuse=dither=none";

/** Takes `page` as it stands into the file `path` (PNG). */
export async function shoot(page: Page, path: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bartizan-shot-"));
  const plain = join(folder, "plain.png");
  await page.screenshot({ path: plain, animations: "disabled", caret: "hide" });
  const words = ["-nostdin", "-y", "-v", "error", "-i", plain, "-filter_complex", PALETTE];
  execFileSync("ffmpeg", [...words, "-compression_level", "100", "-pred", "mixed", path]);
  rmSync(folder, { recursive: true, force: true });
}
