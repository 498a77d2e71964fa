import { type ModuleContext, othersCaughtUp } from '../module.ts';
import { Horizons } from './horizons.ts';
import type { ArchiveWriter } from './writer.ts';

/** What writers tell one another. */
interface Notice {
  readonly backlog?: { readonly writer: string; readonly isBehind: boolean };
  /** An owner reads his archive up to a time. */
  readonly read?: { readonly owner: string; readonly until: number };
}

/**
 * Which writers of other shards and host types have messages that the store has not taken. While one has, archives may lack something that comes before what they have: a client that
 * read them then would never see it, because next time it asks for what is newer.
 */
export class Backlog {
  /** How far owners have read, on whichever shard. */
  readonly horizons = new Horizons();
  readonly #context: ModuleContext;
  readonly #writer: ArchiveWriter;
  readonly #own: string;
  readonly #behind = new Set<string>();

  constructor(context: ModuleContext, writer: ArchiveWriter) {
    this.#context = context;
    this.#writer = writer;
    this.#own = `shard ${context.shard} ${context.hostType}`;
    context.onAnnouncement((content) => this.#heard(content as Notice));
    // What a shard that has died had not stored was lost with it, and nobody was told that it is handled. One shard hears of it.
    context.hook('node_cleanup_for_host_type', 50, (_report, { node }) => {
      this.#tell(`${node} ${context.hostType}`, false);
    });
    const { kept } = writer;
    if (kept.isBehind) this.#tell(this.#own, true);
    let hasStopped = false;
    const end = kept.onBehind((isBehind, cause) => {
      this.#changed(isBehind, cause);
      if (hasStopped && !isBehind) end();
    });
    // What is not stored when the module ends is tried on.
    context.onStop(() => {
      hasStopped = true;
      if (!kept.isBehind) end();
    });
  }

  get isAnyBehind(): boolean {
    return this.#behind.size > 0;
  }

  /**
   * An answer without what others have still to hand over would be taken for everything: so this waits until they have, or are replaced. From then on nothing comes into the
   * owner's archive that is not younger than `until`.
   */
  async sync(owner: string, until: number): Promise<void> {
    this.horizons.read(owner, until);
    await othersCaughtUp(this.#context, { read: { owner, until } } satisfies Notice);
  }

  /** The store does not take writes of this shard (any more), or takes them again. */
  #changed(isBehind: boolean, cause: unknown): void {
    const { log } = this.#context;
    this.#context.count(isBehind ? 'behind' : 'caught_up');
    this.#tell(this.#own, isBehind);
    if (isBehind) log.warn({ err: cause, what: 'mam_append_failed' }, 'messages wait to be archived');
    else log.info({ what: 'mam_caught_up' }, 'all messages are archived again');
  }

  #tell(writer: string, isBehind: boolean): void {
    this.#context.announce({ backlog: { writer, isBehind } } satisfies Notice);
  }

  #heard({ backlog, read }: Notice): void {
    // What is here must come before what the other one asks of the store.
    this.#writer.flush();
    if (read !== undefined) this.horizons.read(read.owner, read.until);
    if (backlog === undefined || backlog.writer === this.#own) return;
    if (backlog.isBehind) this.#behind.add(backlog.writer);
    else this.#behind.delete(backlog.writer);
  }
}
