import type { ArchiveRecord } from '../module.ts';

let jobs = 0;

/** One request to the store, and all who wait for it. */
export class Job {
  /** In the order in which they were made. */
  readonly number: number;
  readonly work: () => Promise<unknown>;
  readonly records: ArchiveRecord[] = [];
  /** What counts against the limits of its writer. */
  count = 0;
  bytes = 0;
  /** Why it failed last, and how often it did where others did not. */
  cause: unknown = undefined;
  strikes = 0;
  #done: Promise<void> | undefined = undefined;
  #resolve: (() => void) | undefined = undefined;
  #isDone = false;

  constructor(work: () => Promise<unknown>, number = ++jobs) {
    this.number = number;
    this.work = work;
  }

  add(record: ArchiveRecord, bytes: number): void {
    this.records.push(record);
    this.weigh(bytes);
  }

  weigh(bytes: number): void {
    this.count++;
    this.bytes += bytes;
  }

  /** Resolves when it is done, or given up. It never rejects. Made when somebody asks. */
  get done(): Promise<void> {
    if (this.#done === undefined) {
      this.#done = this.#isDone
        ? Promise.resolve()
        : new Promise((resolve) => {
            this.#resolve = resolve;
          });
    }
    return this.#done;
  }

  finish(): void {
    this.#isDone = true;
    this.#resolve?.();
  }

  /** Two that do the same together, in order; this one is done when both are. */
  halves(append: (records: readonly ArchiveRecord[]) => Promise<unknown>): Job[] {
    const middle = this.records.length >> 1;
    const perRecord = this.bytes / this.records.length;
    const parts = [this.records.slice(0, middle), this.records.slice(middle)].map((records) => {
      const job: Job = new Job(() => append(job.records), this.number);
      for (const record of records) job.add(record, perRecord);
      return job;
    });
    void Promise.all(parts.map((part) => part.done)).then(() => this.finish());
    return parts;
  }
}
