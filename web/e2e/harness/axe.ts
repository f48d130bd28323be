// Accessibility, judged by axe-core in the page itself. It comes in through the driver, which no policy of the page stops.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Finding {
  readonly id: string;
  readonly impact: string | null;
  readonly help: string;
  readonly nodes: readonly {
    readonly target: readonly unknown[];
    readonly failureSummary?: string;
  }[];
}

interface Axe {
  run(root: Document, options: object): Promise<{ violations: Finding[] }>;
}

/** What is seriously wrong on the screen as it stands, in words; an empty list is what a test wants. */
export async function faultsOfAccess(page: Page): Promise<string[]> {
  await page.evaluate(`${source};undefined`);
  const findings = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: Axe };
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { violations } = await axe.run(document, {
      resultTypes: ["violations"],
      runOnly: { type: "tag", values: tags },
    });
    return violations;
  });
  const grave = findings.filter(({ impact }) => impact === "serious" || impact === "critical");
  return grave.map(({ id, help, nodes }) => {
    const where = nodes.map(
      ({ target, failureSummary }) => `${target.join(" ")}: ${failureSummary}`,
    );
    return `${id}: ${help}\n  ${where.join("\n  ")}`;
  });
}
