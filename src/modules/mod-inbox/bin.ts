import { CommandError, type CommandInput, type ModuleContext, parseJid } from '../module.ts';
import type { InboxOptions } from './options.ts';

/** Conversations deleted at a time. */
const STEP = 1_000;
const HOUR_MS = 3_600_000;
/** From the start to looking the first time: a server that is started more often than `bin_clean_after` says empties bins, too. */
const FIRST_MS = 1_000;
const DAY_US = 86_400_000_000;
const DAYS_MAX = 36_500;

/** Empties bins: by and by, and when an administrator says so. */
export class Bin {
  readonly #context: ModuleContext<InboxOptions>;

  constructor(context: ModuleContext<InboxOptions>) {
    this.#context = context;
    const { bin_clean_after: hours } = context.options;
    if (context.shard === 0) {
      context.after(FIRST_MS, () => void this.#clean());
      context.every(hours * HOUR_MS, () => void this.#clean());
    }
    context.command('inbox_flush_bin', (input) => this.#flush(input));
  }

  async #clean(): Promise<void> {
    const before = this.#context.timestamp() - this.#context.options.bin_ttl * DAY_US;
    try {
      for (const host of this.#context.hosts) await this.#empty(host, null, before);
    } catch (cause) {
      this.#context.log.warn({ err: cause, what: 'inbox_bin_failed' }, 'bins are not emptied for now');
    }
  }

  /** The command: a user's bin, or those of all users of a domain; what is older than so many days. */
  async #flush(input: CommandInput): Promise<unknown> {
    const { jid: user, domain, days = 0 } = input;
    const jid = parseJid(String(user ?? domain));
    if (
      jid === undefined ||
      (user !== undefined && jid.local === '') ||
      !this.#context.hosts.includes(jid.domain)
    ) {
      throw new CommandError('invalid_jid', `not a user or domain of this server: ${String(user ?? domain)}`);
    }
    if (typeof days !== 'number' || !Number.isInteger(days) || days < 0 || days > DAYS_MAX) {
      throw new CommandError('bad_request', `days is a whole number up to ${DAYS_MAX}`);
    }
    if (jid.local !== '' && !(await this.#context.accounts.exists(jid))) {
      throw new CommandError('user_unknown', `there is no user ${jid.bare}`);
    }
    const before = this.#context.timestamp() - days * DAY_US;
    const removed = await this.#empty(jid.domain, jid.local === '' ? null : jid.local, before);
    return { removed };
  }

  async #empty(domain: string, username: string | null, before: number): Promise<number> {
    const { store } = this.#context;
    let removed = 0;
    for (;;) {
      const step = await store.request('inbox_empty_bin', domain, username, before, STEP);
      removed += step;
      if (username !== null || step < STEP) return removed;
    }
  }
}
