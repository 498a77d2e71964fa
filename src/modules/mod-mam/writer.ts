import {
  type ArchiveRecord,
  ArchiveSide,
  GatheredWrites,
  type KeptState,
  type ModuleContext,
} from '../module.ts';
import { RECORD_OVERHEAD_BYTES } from './limits.ts';

/** A record whose sides may still grow, until it leaves. */
export type OpenRecord = { -readonly [K in keyof ArchiveRecord]: ArchiveRecord[K] };

/** What the writer needs of its module's context. */
export type WriterContext = Pick<ModuleContext, 'store' | 'atTurnEnd' | 'count' | 'log' | 'onStop'>;

/**
 * The way of one shard's messages into the archive. What a turn of the loop brings leaves at its end as one write, which is kept until it is done; a message that cannot be archived
 * though others can is lost, with a line in the log.
 */
export class ArchiveWriter {
  readonly #writes: GatheredWrites<'archive_append'>;

  constructor(context: WriterContext) {
    const { store } = context;
    this.#writes = new GatheredWrites('archive_append', {
      store,
      atTurnEnd: (callback) => context.atTurnEnd(callback),
      stored: (_result, count) => context.count('archived', count),
      lost: ({ from, to, micros }, cause) => {
        context.count('lost');
        context.log.error(
          { err: cause, what: 'mam_message_lost', from, to, micros },
          'the store takes others, but not this one: it is not archived',
        );
      },
    });
    context.onStop(() => this.flush());
  }

  /** How it is with what this shard has to write. */
  get kept(): KeptState {
    return this.#writes.kept;
  }

  /** Whether no more may be added. */
  get isFull(): boolean {
    return this.kept.isFull;
  }

  /** Whether those who bring more should slow down. */
  get isBusy(): boolean {
    return this.kept.isBusy;
  }

  /** Takes a message on. The promise is that of all that leave together: it resolves when they are stored, or given up. */
  add(record: OpenRecord): Promise<void> {
    return this.#writes.add(record, record.packet.length + RECORD_OVERHEAD_BYTES);
  }

  /** The last record, if its archives may still be added to. */
  get last(): OpenRecord | undefined {
    return this.#writes.gathering?.at(-1);
  }

  /** Adds the recipient's archive to {@link last}. The promise is the one that came with it. */
  addRecipient(record: OpenRecord): Promise<void> {
    record.sides |= ArchiveSide.RECIPIENT;
    return this.#writes.grew(0);
  }

  /** Sends what has been added at once: whatever is asked of the store from now on sees it, unless writes are behind. */
  flush(): void {
    this.#writes.flush();
  }

  /** Resolves when everything that has been added is stored, or given up. */
  async settled(): Promise<void> {
    await this.#writes.settled();
  }
}
