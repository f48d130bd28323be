// Everything that a browser keeps of a page, taken out as whoever finds the device would: databases, storage, caches, cookies.
// Runs in the page, under the app's own origin.

import type { Page } from "playwright-core";

export interface Stored {
  /** Names of databases, storage entries, caches and cookies. */
  readonly names: readonly string[];
  /** Every text that is stored, and every binary value as Latin-1. */
  readonly texts: readonly string[];
  /** `algorithm type extractable` of each key. */
  readonly keys: readonly string[];
  /** Addresses of what the caches hold. */
  readonly cached: readonly string[];
}

export async function everythingStored(page: Page): Promise<Stored> {
  const cookies = await page.context().cookies();
  const found = await page.evaluate(collect);
  const names = [...found.names, ...cookies.map(({ name }) => name)];
  return { ...found, names, texts: [...found.texts, ...cookies.map(({ value }) => value)] };
}

/** Stands on its own, because it runs in the page. */
async function collect(): Promise<Stored> {
  const [names, texts, keys, cached]: [string[], string[], string[], string[]] = [[], [], [], []];
  const latin = (bytes: Uint8Array): string =>
    Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const visit = (value: unknown): void => {
    if (value instanceof CryptoKey) {
      keys.push(`${value.algorithm.name} ${value.type} ${value.extractable}`);
    } else if (ArrayBuffer.isView(value)) {
      texts.push(latin(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)));
    } else if (value instanceof ArrayBuffer) {
      texts.push(latin(new Uint8Array(value)));
    } else if (value !== null && typeof value === "object") {
      for (const [name, part] of Object.entries(value)) {
        texts.push(name);
        visit(part);
      }
    } else {
      texts.push(String(value));
    }
  };
  const done = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  for (const { name = "" } of await indexedDB.databases()) {
    names.push(name);
    const database = await done(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      for (const value of await done(database.transaction(store).objectStore(store).getAll())) {
        visit(value);
      }
    }
    database.close();
  }
  for (const storage of [localStorage, sessionStorage]) {
    for (const [name, value] of Object.entries(storage)) {
      names.push(name);
      texts.push(String(value));
    }
  }
  for (const name of await caches.keys()) {
    names.push(name);
    cached.push(...(await (await caches.open(name)).keys()).map((request) => request.url));
  }
  return { names, texts, keys, cached };
}
