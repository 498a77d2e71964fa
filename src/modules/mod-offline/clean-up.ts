import { CommandError, type CommandInput, domainInput, type ModuleContext, numberInput } from '../module.ts';
import type { OfflineOptions } from './mod-offline.ts';

const CLEAN_UP_MS = 600_000;
/** Messages, and users, that are looked after at a time. */
const MESSAGES_STEP = 1_000;
const USERS_STEP = 100;
const DAY_US = 86_400_000_000;
const DAYS_MAX = 36_500;

/** Deletes stored messages: expired ones by and by, and others when an administrator says so. */
export class CleanUp {
  readonly #context: ModuleContext<OfflineOptions>;

  constructor(context: ModuleContext<OfflineOptions>) {
    this.#context = context;
    if (context.shard === 0) context.every(CLEAN_UP_MS, () => void this.run());
    context.command('offline_delete_expired', (input) => this.#deleteExpired(input));
    context.command('offline_delete_old', (input) => this.#deleteOld(input));
  }

  /** Deletes what has expired. */
  async run(): Promise<void> {
    try {
      for (const host of this.#context.hosts) await this.#expired(host);
    } catch (cause) {
      this.#context.log.warn(
        { err: cause, what: 'offline_clean_up_failed' },
        'expired messages stay for now',
      );
    }
  }

  async #expired(domain: string): Promise<number> {
    const { store } = this.#context;
    for (let removed = 0; ; ) {
      const step = await store.request(
        'offline_remove_expired',
        domain,
        this.#context.timestamp(),
        MESSAGES_STEP,
      );
      removed += step;
      if (step < MESSAGES_STEP) return removed;
    }
  }

  async #deleteExpired(input: CommandInput): Promise<unknown> {
    return { removed: await this.#expired(domainInput(this.#context, input)) };
  }

  /** What was sent so many days ago, or before. */
  async #deleteOld(input: CommandInput): Promise<unknown> {
    const domain = domainInput(this.#context, input);
    const days = numberInput(input, 'days', Number.NaN);
    if (days > DAYS_MAX) throw new CommandError('bad_request', `days is at most ${DAYS_MAX}`);
    const before = this.#context.timestamp() - days * DAY_US;
    const { store } = this.#context;
    let removed = 0;
    for (let after: string | null = ''; after !== null; ) {
      const step: { removed: number; next: string | null } = await store.request(
        'offline_remove_old',
        domain,
        after,
        before,
        USERS_STEP,
      );
      removed += step.removed;
      after = step.next;
    }
    return { removed };
  }
}
