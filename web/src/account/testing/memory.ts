// For tests: an account store that ends with the page, and can be looked into.

import type { AccountRecord, AccountStore, Stray } from "../store.ts";
import { follows, MAX_STRAYS } from "../store.ts";

/** The store. */
export class MemoryStore implements AccountStore {
  record: AccountRecord | null = null;
  kept: readonly Stray[] = [];

  async load(): Promise<AccountRecord | null> {
    return this.record;
  }

  async replace(next: AccountRecord): Promise<boolean> {
    if (!follows(this.record, next)) return false;
    this.record = next;
    return true;
  }

  async put(next: AccountRecord): Promise<void> {
    this.record = next;
  }

  async strays(): Promise<readonly Stray[]> {
    return this.kept;
  }

  async setStrays(strays: readonly Stray[]): Promise<void> {
    this.kept = strays.slice(-MAX_STRAYS);
  }

  async clear(): Promise<void> {
    this.record = null;
    this.kept = [];
  }
}
