// The account in IndexedDB: two keys in one object store. Each call is one transaction, so that tabs see
// whole records only. It knows nothing of what a record means.

import { AccountError } from "./errors.ts";
import type { AccountRecord, AccountStore, Stray } from "./store.ts";
import { follows, MAX_STRAYS } from "./store.ts";

const NAME = "bartizan";
const PLACE = "account";
const RECORD = "record";
const STRAYS = "strays";

/** The browser's own store. The database is opened with the first call. */
export class DatabaseStore implements AccountStore {
  readonly #factory: IDBFactory;
  #database: Promise<IDBDatabase> | null = null;

  constructor(factory: IDBFactory) {
    this.#factory = factory;
  }

  load(): Promise<AccountRecord | null> {
    return this.#in("readonly", async (place) => (await done(place.get(RECORD))) ?? null);
  }

  replace(next: AccountRecord): Promise<boolean> {
    return this.#in("readwrite", async (place) => {
      const stored: AccountRecord | undefined = await done(place.get(RECORD));
      if (!follows(stored ?? null, next)) return false;
      await done(place.put(next, RECORD));
      return true;
    });
  }

  put(next: AccountRecord): Promise<void> {
    return this.#in("readwrite", async (place) => {
      await done(place.put(next, RECORD));
    });
  }

  strays(): Promise<readonly Stray[]> {
    return this.#in("readonly", async (place) => (await done(place.get(STRAYS))) ?? []);
  }

  setStrays(strays: readonly Stray[]): Promise<void> {
    return this.#in("readwrite", async (place) => {
      await done(place.put(strays.slice(-MAX_STRAYS), STRAYS));
    });
  }

  clear(): Promise<void> {
    return this.#in("readwrite", async (place) => {
      await done(place.clear());
    });
  }

  /** Runs `work` in a transaction and waits until it is on the disk. */
  async #in<T>(mode: IDBTransactionMode, work: (place: IDBObjectStore) => Promise<T>): Promise<T> {
    try {
      const transaction = (await this.#open()).transaction(PLACE, mode, { durability: "strict" });
      const completed = completion(transaction);
      completed.catch(() => undefined); // The work's own failure is the one that is told.
      const result = await work(transaction.objectStore(PLACE));
      await completed;
      return result;
    } catch (cause) {
      throw new AccountError("store-failed", { cause });
    }
  }

  #open(): Promise<IDBDatabase> {
    this.#database ??= opened(this.#factory).then((database) => {
      // Another tab deletes or upgrades: step aside, and open anew with the next call.
      const close = () => {
        database.close();
        this.#database = null;
      };
      database.onversionchange = close;
      database.onclose = close;
      return database;
    });
    this.#database.catch(() => {
      this.#database = null;
    });
    return this.#database;
  }
}

async function opened(factory: IDBFactory): Promise<IDBDatabase> {
  const request = factory.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(PLACE);
  return await done(request);
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function completion(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
