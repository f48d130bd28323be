// Files that the app saves. Chromium tells the driver of a download; Firefox does not tell of one out of the page's own memory,
// so there the page's link is caught and the file is taken out of the page.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { until } from "./wait.ts";

interface Keeping {
  savedFiles: { name: string; blob: Blob | undefined }[];
}

/** Runs in each page of Firefox before its own scripts. */
function keep(): void {
  const kept: Keeping["savedFiles"] = [];
  (globalThis as unknown as Keeping).savedFiles = kept;
  const blobs = new Map<string, Blob>();
  const create = URL.createObjectURL.bind(URL);
  URL.createObjectURL = (object) => {
    const address = create(object);
    if (object instanceof Blob) {
      blobs.set(address, object);
    }
    return address;
  };
  const click = HTMLAnchorElement.prototype.click;
  HTMLAnchorElement.prototype.click = function () {
    if (this.download === "") {
      return click.call(this);
    }
    kept.push({ name: this.download, blob: blobs.get(this.href) });
  };
}

const isFirefox = (context: BrowserContext): boolean =>
  context.browser()?.browserType().name() === "firefox";

/** Prepares pages that are opened from now on. */
export async function keepSaved(context: BrowserContext): Promise<void> {
  // Nobody sits at the browser's own file dialog: without it the app saves as a download.
  await context.addInitScript(() => Reflect.deleteProperty(globalThis, "showSaveFilePicker"));
  if (isFirefox(context)) {
    await context.addInitScript(keep);
  }
}

/** Does `act`, and gives the file that the app saves then, put into `folder`. */
export async function savedBy(
  page: Page,
  folder: string,
  act: () => Promise<void>,
): Promise<string> {
  if (isFirefox(page.context())) {
    await act();
    return taken(page, folder);
  }
  const coming = page.waitForEvent("download");
  await act();
  const download = await coming;
  const file = join(folder, download.suggestedFilename());
  await download.saveAs(file);
  return file;
}

async function taken(page: Page, folder: string): Promise<string> {
  const take = async (): Promise<{ name: string; base64: string } | null> => {
    const { savedFiles } = globalThis as unknown as Keeping;
    const found = savedFiles.shift();
    if (!found?.blob) {
      return null;
    }
    const bytes = new Uint8Array(await found.blob.arrayBuffer());
    const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    return { name: found.name, base64: btoa(text) };
  };
  const { name, base64 } = await until("a saved file", () => page.evaluate(take));
  const file = join(folder, name);
  writeFileSync(file, Buffer.from(base64, "base64"));
  return file;
}
