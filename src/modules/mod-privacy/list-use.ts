import type { C2sParams, Jid, ModuleContext, SessionId } from '../module.ts';
import type { SessionLists } from './session-lists.ts';

/** A question to all shards: does a list apply to a session other than the one that asks? */
interface UseQuestion {
  readonly question: string;
  readonly bare: string;
  /** The list as an active one; undefined: whether it is anybody's active list does not matter. */
  readonly list: string | undefined;
  /** Whether it is the default list, which applies wherever no list is active. */
  readonly isDefault: boolean;
  readonly except: SessionId;
}

/** The answer of a shard where it does. A shard where it does not says nothing. */
interface UseAnswer {
  readonly used: string;
}

/** What a session is asked. Plain data: the session may just have moved to another shard. */
export interface UseEvent {
  readonly asked: UseQuestion;
}

/** Whether a list is in use by other sessions of its owner, on any shard (XEP-0016 §2.2, rule 11). */
export class ListUse {
  readonly #context: ModuleContext;
  readonly #lists: SessionLists;
  readonly #used = new Set<string>();
  #asked = 0;
  /** The question that sessions of this shard are being asked right now, and whether one of them has said yes. */
  #current: string | undefined;
  #isUsed = false;

  constructor(context: ModuleContext, lists: SessionLists) {
    this.#context = context;
    this.#lists = lists;
  }

  async isElsewhere(session: C2sParams, list: string | undefined, isDefault: boolean): Promise<boolean> {
    const question = `${this.#context.hostType} ${this.#context.shard} ${++this.#asked}`;
    const { bare } = session.jid!;
    const except = session.sid!;
    this.#context.announce({ question, bare, list, isDefault, except } satisfies UseQuestion);
    // By then every answer has come.
    await this.#context.whenHandled();
    return this.#used.delete(question);
  }

  /** An announcement came. False when it is none of ours. */
  heard(content: unknown): boolean {
    const { question, used } = content as Partial<UseQuestion & UseAnswer>;
    if (question !== undefined) this.#answer(content as UseQuestion);
    else if (used !== undefined) this.#note(used);
    return question !== undefined || used !== undefined;
  }

  /** Answers go to all; one is kept where the question was asked. */
  #note(used: string): void {
    if (used.startsWith(`${this.#context.hostType} ${this.#context.shard} `)) this.#used.add(used);
  }

  #answer(asked: UseQuestion): void {
    const owner: Jid | undefined = this.#context.jid(asked.bare);
    if (owner === undefined || !this.#context.hosts.includes(owner.domain)) return;
    const { shard, number } = asked.except;
    this.#current = asked.question;
    this.#isUsed = false;
    this.#context.sendEvent(owner, { asked } satisfies UseEvent, (session) => {
      if (session.shard !== this.#context.shard) return false;
      return session.shard !== shard || session.number !== number;
    });
    this.#current = undefined;
    if (this.#isUsed) this.#context.announce({ used: asked.question } satisfies UseAnswer);
  }

  /** A session is asked (`foreign_event`). */
  ask(session: C2sParams, { asked }: UseEvent): void {
    const active = this.#lists.peek(session)?.active;
    if (active === undefined ? !asked.isDefault : active !== asked.list) return;
    if (asked.question === this.#current) this.#isUsed = true;
    // Another shard asked, where the session was.
    else this.#context.announce({ used: asked.question } satisfies UseAnswer);
  }
}
