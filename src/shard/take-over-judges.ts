import type { SessionRecord } from '../frame/kinds.ts';
import type { TakeOverJudge, TakeOverVerdict } from '../modules/module.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { JidCache } from '../xmpp/jid-cache.ts';

/** Who judges whether a session may be taken over, for each module and host type. */
export class TakeOverJudges {
  readonly #judges = new Map<string, TakeOverJudge>();
  readonly #jids: Pick<JidCache, 'trusted'>;
  readonly #hostTypeOf: (domain: string) => string | undefined;

  /** `hostTypeOf`: the name of the host type that serves a domain. */
  constructor(jids: Pick<JidCache, 'trusted'>, hostTypeOf: (domain: string) => string | undefined) {
    this.#jids = jids;
    this.#hostTypeOf = hostTypeOf;
  }

  /** Returns how to end it. */
  register(module: string, hostType: string, judge: TakeOverJudge): () => void {
    const key = `${module} ${hostType}`;
    this.#judges.set(key, judge);
    return () => {
      if (this.#judges.get(key) === judge) this.#judges.delete(key);
    };
  }

  judge(module: string, bare: Jid, content: unknown): TakeOverVerdict {
    const judge = this.#judges.get(`${module} ${this.#hostTypeOf(bare.domain)}`);
    return judge?.judge(bare, content) ?? { kind: 'none' };
  }

  /** A session was lost on its way: its modules save what they can. */
  salvage({ jid, states }: SessionRecord): void {
    const own = this.#jids.trusted(jid);
    const hostType = this.#hostTypeOf(own.domain);
    for (const [module, state] of states) this.#judges.get(`${module} ${hostType}`)?.salvage(state, own);
  }
}
