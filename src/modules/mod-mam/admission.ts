import { type Accumulator, type ModuleContext, StanzaError, type Verdict } from '../module.ts';
import { PACE_MS_MAX } from './limits.ts';
import type { ArchiveWriter } from './writer.ts';

const FULL = 'The archive cannot take your message now';

/** What senders meet while the store is behind. */
export class Admission {
  readonly #context: ModuleContext;
  readonly #writer: ArchiveWriter;
  /** What all of them wait for. */
  #pause: Promise<void> | undefined = undefined;

  constructor(context: ModuleContext, writer: ArchiveWriter) {
    this.#context = context;
    this.#writer = writer;
  }

  /** Nothing more can be taken on: the sender hears so. Gives back `verdict`. */
  refuse<V extends Verdict>(acc: Accumulator, verdict: V): V {
    this.#context.count('refused');
    this.#writer.kept.noteRefused();
    const reply = acc.errorReply(new StanzaError('resource-constraint', FULL));
    this.#context.outcome(acc, reply === undefined ? 'dropped' : 'bounced');
    if (reply !== undefined) void this.#context.route(reply);
    return verdict;
  }

  /** Resolves when the store has caught up, or after a moment. */
  pause(): Promise<void> {
    this.#pause ??= this.#wait();
    return this.#pause;
  }

  async #wait(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#context.after(PACE_MS_MAX, resolve);
    await Promise.race([this.#writer.kept.calm, promise]);
    cancel();
    this.#pause = undefined;
  }
}
