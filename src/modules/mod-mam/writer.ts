import { type ArchiveRecord, ArchiveSide } from '../module.ts';
import { Job } from './job.ts';
import {
  BATCH_BYTES_MAX,
  BATCH_RECORDS_MAX,
  PENDING_BYTES_BUSY,
  PENDING_BYTES_MAX,
  PENDING_RECORDS_BUSY,
  PENDING_RECORDS_MAX,
  RECORD_OVERHEAD_BYTES,
  RETRY_MS_MAX,
  RETRY_MS_MIN,
  STRIKES_MAX,
} from './limits.ts';

/** What a writer needs from its surroundings. */
export interface WriterHost {
  /** Stores messages; rejects when that failed. */
  append(records: readonly ArchiveRecord[]): Promise<unknown>;
  /** Calls back at the end of the turn. */
  atTurnEnd(callback: () => void): void;
  /** Calls back after a while, even after the end of the module. */
  after(ms: number, callback: () => void): void;
  /** The store does not take messages (any more), or takes them again. */
  behindChanged(isBehind: boolean, cause: unknown): void;
  /** A message, or what was to be done with one, was given up: the store does other things, but not this one. */
  lost(record: ArchiveRecord | undefined, cause: unknown): void;
}

/** A record whose sides may still grow, until it leaves. */
export type OpenRecord = { -readonly [K in keyof ArchiveRecord]: ArchiveRecord[K] };

/**
 * The way of one shard's messages into the archive. What a turn of the loop brings leaves at its end as one request.
 *
 * ```
 *  add ─▶ open batch ─▶ (end of the turn) ─▶ under way ─▶ stored
 *              ▲ grows on                        │ failed
 *              │ while behind                    ▼
 *              └────────────────────────────── queue, in order ─▶ tried again, one after the other
 * ```
 *
 * Nothing is given up while the store is away, slow or its disk is full: {@link isFull} says when no more is taken. Only a message that is refused again and again by a store that
 * takes others is lost, with a line in the log. Everything may be stored twice: a record with the same id changes nothing.
 */
export class ArchiveWriter {
  readonly #host: WriterHost;
  readonly #atTurnEnd = (): void => this.#turnEnded();
  #open: Job | undefined = undefined;
  /** Whether the end of this turn is waited for. */
  #isScheduled = false;
  readonly #underWay = new Set<Job>();
  /** What failed, and what came since; the oldest first. Empty unless the writer is behind. */
  #queue: Job[] = [];
  #isRetrying = false;
  #retryMs = RETRY_MS_MIN;
  #count = 0;
  #bytes = 0;
  /** The record that was added last, while its sides may still grow. */
  #last: OpenRecord | undefined = undefined;

  constructor(host: WriterHost) {
    this.#host = host;
  }

  /** Records that the store has not taken yet, and their bytes. */
  get pending(): { readonly count: number; readonly bytes: number } {
    return { count: this.#count, bytes: this.#bytes };
  }

  /** Whether no more may be added. */
  get isFull(): boolean {
    return this.#count >= PENDING_RECORDS_MAX || this.#bytes >= PENDING_BYTES_MAX;
  }

  /** Whether those who bring more should slow down. */
  get isBusy(): boolean {
    return this.#count >= PENDING_RECORDS_BUSY || this.#bytes >= PENDING_BYTES_BUSY;
  }

  /** Whether something failed and is not stored yet. */
  get isBehind(): boolean {
    return this.#queue.length > 0;
  }

  /** Takes a message on. Returns the request that it is part of, which tells when it is stored. */
  add(record: OpenRecord): Job {
    const bytes = record.packet.length + RECORD_OVERHEAD_BYTES;
    const job = this.#openJob();
    job.add(record, bytes);
    this.#count++;
    this.#bytes += bytes;
    this.#last = record;
    if (job.count >= BATCH_RECORDS_MAX || job.bytes >= BATCH_BYTES_MAX) this.flush();
    return job;
  }

  /** The last record, if its archives may still be added to. */
  get last(): OpenRecord | undefined {
    return this.#last;
  }

  /** Adds the recipient's archive to {@link last}. Returns the request that it is part of. */
  addRecipient(record: OpenRecord): Job {
    record.sides |= ArchiveSide.RECIPIENT;
    return this.#open!;
  }

  /** Does something behind all that was added before, again and again until it succeeds, or is refused by a store that does other things. */
  run(work: () => Promise<unknown>): Job {
    this.flush();
    const job = new Job(work);
    job.weigh(RECORD_OVERHEAD_BYTES);
    this.#count++;
    this.#bytes += RECORD_OVERHEAD_BYTES;
    this.#send(job);
    return job;
  }

  /** Sends what has been added at once: whatever is asked of the store from now on sees it, unless the writer is behind. */
  flush(): void {
    const job = this.#open;
    this.#last = undefined;
    if (job === undefined) return;
    this.#open = undefined;
    this.#send(job);
  }

  /** Resolves when everything that has been added is stored, or given up. */
  async settled(): Promise<void> {
    this.flush();
    const all = [...this.#queue, ...this.#underWay];
    for (const job of all) await job.done;
  }

  #openJob(): Job {
    if (this.#open === undefined) {
      const job: Job = new Job(() => this.#host.append(job.records));
      this.#open = job;
      if (!this.#isScheduled) {
        this.#isScheduled = true;
        this.#host.atTurnEnd(this.#atTurnEnd);
      }
    }
    return this.#open;
  }

  #turnEnded(): void {
    this.#isScheduled = false;
    // Behind others it may as well grow.
    if (this.isBehind) this.#last = undefined;
    else this.flush();
  }

  #send(job: Job): void {
    if (this.isBehind) {
      this.#queue.push(job);
      return;
    }
    this.#underWay.add(job);
    job.work().then(
      () => {
        this.#underWay.delete(job);
        this.#finished(job);
      },
      (cause: unknown) => {
        this.#underWay.delete(job);
        this.#failed(job, cause);
      },
    );
  }

  #finished(job: Job): void {
    this.#count -= job.count;
    this.#bytes -= job.bytes;
    job.finish();
  }

  #failed(job: Job, cause: unknown): void {
    job.cause = cause;
    const wasBehind = this.isBehind;
    const at = this.#queue.findIndex((other) => other.number > job.number);
    if (at < 0) this.#queue.push(job);
    else this.#queue.splice(at, 0, job);
    if (wasBehind) return;
    this.#host.behindChanged(true, cause);
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#isRetrying) return;
    this.#isRetrying = true;
    this.#host.after(this.#retryMs, () => void this.#retry());
    this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2);
  }

  /** Tries everything again in order. If the first two fail the store is to blame, and the rest waits; if others succeed, those that fail have a strike. */
  async #retry(): Promise<void> {
    const failed = new Set<Job>();
    let succeeded = 0;
    while (succeeded > 0 || failed.size < 2) {
      const job = this.#queue.find((one) => !failed.has(one));
      if (job === undefined) break;
      if (await attempt(job)) {
        succeeded++;
        this.#queue.splice(this.#queue.indexOf(job), 1);
        this.#finished(job);
      } else failed.add(job);
    }
    if (succeeded > 0) {
      this.#retryMs = RETRY_MS_MIN;
      this.#queue = this.#queue.flatMap((job) => (failed.has(job) ? this.#struck(job) : [job]));
    }
    this.#isRetrying = false;
    if (this.isBehind) {
      this.#retryLater();
      return;
    }
    this.flush();
    this.#host.behindChanged(false, undefined);
  }

  /** A job that failed where others did not: in halves, so that the one message that is at fault is found; that is lost in the end. Returns what is to be tried again. */
  #struck(job: Job): Job[] {
    job.strikes++;
    if (job.records.length > 1) return job.halves((records) => this.#host.append(records));
    if (job.strikes < STRIKES_MAX) return [job];
    this.#host.lost(job.records[0], job.cause);
    this.#finished(job);
    return [];
  }
}

async function attempt(job: Job): Promise<boolean> {
  try {
    await job.work();
    return true;
  } catch (cause) {
    job.cause = cause;
    return false;
  }
}
