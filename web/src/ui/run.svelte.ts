// One thing that is under way at a time: busy while it runs, its failure afterwards. For forms and buttons of every page.

/** Runs one thing at a time and keeps how it went. */
export class Run {
  busy: boolean = $state(false);
  error: unknown = $state.raw(null);

  /** Runs `work` unless something runs already; tells whether it went well. */
  async do(work: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.error = null;
    try {
      await work();
      return true;
    } catch (error) {
      this.error = error;
      return false;
    } finally {
      this.busy = false;
    }
  }
}
