import type { ArchiveSweep, Jid, ModuleContext } from '../module.ts';
import { PURGE_BATCH, PURGE_PAUSE_MS } from './limits.ts';
import type { PmOptions } from './options.ts';
import type { Preferences } from './prefs.ts';
import type { ArchiveWriter } from './writer.ts';

/** What goes out of archives: with an account, with a domain, with time. */
export class Removals {
  readonly #context: ModuleContext;
  readonly #options: PmOptions;
  readonly #writer: ArchiveWriter;
  readonly #prefs: Preferences | undefined;
  #isPurging = false;

  constructor(
    context: ModuleContext,
    options: PmOptions,
    writer: ArchiveWriter,
    prefs: Preferences | undefined,
  ) {
    this.#context = context;
    this.#options = options;
    this.#writer = writer;
    this.#prefs = prefs;
  }

  /** `mam_remove_archive`: what this shard has archived before goes, too. */
  async removeUser(owner: Jid): Promise<undefined> {
    this.#writer.flush();
    await this.#context.store.request('archive_remove_user', owner.bare);
    await this.#prefs?.announceChange(owner);
  }

  /** `remove_domain`: rejects if something is left. */
  async removeDomain(domain: string): Promise<void> {
    this.#writer.flush();
    await this.#inSteps(this.#domainStep(domain));
    this.#context.log.info({ what: 'mam_domain_removed', domain }, 'all messages of a domain are deleted');
  }

  #domainStep(domain: string): Step {
    const limit = this.#options.delete_domain_limit;
    const batch = limit === 'infinity' ? PURGE_BATCH : Math.min(limit, PURGE_BATCH);
    return (cursor) => this.#context.store.request('archive_remove_domain', domain, batch, cursor);
  }

  /** Deletes what is too old or too much, a little at a time. */
  async purge(): Promise<void> {
    const { keep_days: days, keep_messages: keep } = this.#options;
    if (this.#isPurging || (days === 'infinity' && keep === 'infinity')) return;
    this.#isPurging = true;
    try {
      for (const host of this.#context.hosts) {
        if (days !== 'infinity') await this.#inSteps(this.#oldStep(host, days));
        if (keep !== 'infinity') await this.#inSteps(this.#surplusStep(host, keep));
      }
    } catch (cause) {
      this.#context.log.warn({ err: cause, what: 'mam_purge_failed' }, 'old messages stay for now');
    } finally {
      this.#isPurging = false;
    }
  }

  #oldStep(host: string, days: number): Step {
    const before = this.#context.timestamp() - days * DAY_MICROS;
    return (cursor) =>
      this.#context.store.request('archive_remove_before', host, before, PURGE_BATCH, cursor);
  }

  #surplusStep(host: string, keep: number): Step {
    return (cursor) => this.#context.store.request('archive_trim', host, keep, PURGE_BATCH, cursor);
  }

  /** Until there is nothing left to do, with pauses. */
  async #inSteps(step: Step): Promise<void> {
    let cursor = '';
    for (;;) {
      const sweep = await step(cursor);
      if (sweep.removed > 0) this.#context.count('purged', sweep.removed);
      if (sweep.cursor === null) return;
      cursor = sweep.cursor;
      await new Promise<void>((resolve) => {
        this.#context.after(PURGE_PAUSE_MS, resolve);
      });
    }
  }
}

type Step = (cursor: string) => Promise<ArchiveSweep>;

const DAY_MICROS = 86_400_000_000;
