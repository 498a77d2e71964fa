import type { DomainRemoval } from '../../hooks/values.ts';
import type { ModuleContext } from './context.ts';

/**
 * For `remove_domain` of a module that may have much of a domain: the hook, which has no time for that, only begins it, and whoever runs it waits for the rest. Two
 * removals of the same domain at the same time are one.
 */
export class DomainRemovals {
  readonly #context: ModuleContext;
  readonly #work: (domain: string) => Promise<void>;
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #stopped: Promise<never>;

  /** `work` deletes everything of a domain, and rejects if it cannot. */
  constructor(context: ModuleContext, work: (domain: string) => Promise<void>) {
    this.#context = context;
    this.#work = work;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    context.onStop(() => reject(new Error('the module was stopped')));
    this.#stopped = promise;
  }

  /** The answer to the hook. */
  begin(removal: DomainRemoval, domain: string): DomainRemoval {
    let done = this.#underWay.get(domain);
    if (done === undefined) {
      done = this.#run(domain).finally(() => this.#underWay.delete(domain));
      // It is told to whoever waits.
      done.catch(() => {});
      this.#underWay.set(domain, done);
    }
    return { ...removal, rest: [...(removal.rest ?? []), { module: this.#context.module, done }] };
  }

  async #run(domain: string): Promise<void> {
    try {
      await Promise.race([this.#work(domain), this.#stopped]);
    } catch (cause) {
      this.#context.log.warn(
        { err: cause, what: 'domain_removal_failed', domain },
        'not everything is deleted',
      );
      throw cause;
    }
  }
}
