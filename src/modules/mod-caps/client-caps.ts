import {
  type Accumulator,
  type C2sParams,
  Element,
  GenerationCache,
  type ModuleContext,
  NS_DISCO_INFO,
  Stanza,
  StanzaKind,
} from '../module.ts';
import { type Announced, announcedIn, type Verified, verify } from './announced.ts';
import type { CapsOptions } from './mod-caps.ts';

/** Hashes whose features each shard remembers (threat T49). */
const KNOWN_MAX = 2_048;

/** What a session announced. */
interface SessionCaps {
  readonly session: C2sParams;
  /** An earlier incarnation of the module, before a reload, leaves its records behind. */
  readonly owner: ClientCaps;
  wanted: Announced;
  /** What `wanted` stands for; undefined as long as nobody knows. */
  features: readonly string[] | undefined;
  /** The features that handlers of `caps_recognised` were told last. */
  told: readonly string[] | undefined;
  /** The presence, as long as its hash is asked for. */
  presence: Stanza | undefined;
  /** It was asked and has not answered. There is one question to a session at a time, whatever it announces meanwhile. */
  isAsked: boolean;
}

/** {@link SessionCaps} on their way to another shard; the presence as text. */
interface CapsData {
  readonly wanted: Announced;
  readonly features: readonly string[] | null;
  readonly told: readonly string[] | null;
  readonly presence: string | null;
}

/** A hash that was looked up. */
interface Known {
  readonly features: readonly string[];
  /** All sessions that announce it share this: they may be very many. */
  announced: Announced | undefined;
}

/** A hash that is not known yet. */
interface Question {
  /** Sessions that announced it. */
  readonly waiting: Set<SessionCaps>;
  /** The one that was asked; it may have left meanwhile. */
  asked: SessionCaps | undefined;
}

/** What instances tell one another: a hash, and the features that were found to belong to it. */
interface News {
  readonly key: string;
  readonly features: readonly string[];
}

/**
 * What clients can: each announces a hash of it with its presence. A hash that nobody has looked up is asked for once on a shard, of one of those who
 * announce it; what belongs to it is known to all shards from then on. If that one does not tell the truth, the next one is asked.
 */
export class ClientCaps {
  readonly #context: ModuleContext<CapsOptions>;
  readonly #known = new GenerationCache<string, Known>(KNOWN_MAX);
  readonly #questions = new Map<string, Question>();

  constructor(context: ModuleContext<CapsOptions>) {
    this.#context = context;
    context.onAnnouncement((content) => {
      const { key, features } = content as News;
      if (this.#known.get(key) === undefined) this.#known.set(key, { features, announced: undefined });
    });
    context.sessionState<SessionCaps>({
      encode: (caps) => encode(caps),
      decode: (data, session) => this.#decode(data as CapsData, session),
      arrived: (_caps, session) => this.#arrived(session),
    });
  }

  /** A client sent presence (`user_send_presence`). Only what goes to everybody counts. */
  heard(acc: Accumulator, session: C2sParams): undefined {
    if (acc.to.full !== session.jid!.bare) return;
    const presence = acc.stanza!;
    const { type } = presence;
    if (type !== undefined && type !== 'available' && type !== 'unavailable') return;
    const wanted = type === 'unavailable' ? undefined : announcedIn(presence, this.#context.options.versions);
    if (wanted === undefined) this.forget(session);
    else this.#announced(acc, session, wanted);
  }

  /** The session ends, or announces nothing any more. */
  forget(session: C2sParams): undefined {
    const caps = this.#of(session);
    if (caps === undefined) return;
    this.#leave(caps);
    session.setModuleState(this.#context.slot, undefined);
  }

  #of(session: C2sParams): SessionCaps | undefined {
    const caps = session.moduleState(this.#context.slot) as SessionCaps | undefined;
    return caps?.owner === this ? caps : undefined;
  }

  #announced(acc: Accumulator, session: C2sParams, wanted: Announced): void {
    let caps = this.#of(session);
    if (caps?.wanted.key === wanted.key && (caps.features !== undefined || caps.presence !== undefined))
      return;
    if (caps === undefined) {
      const fresh = {
        session,
        owner: this,
        features: undefined,
        told: undefined,
        presence: undefined,
        isAsked: false,
      };
      caps = { ...fresh, wanted };
      session.setModuleState(this.#context.slot, caps);
    } else {
      this.#leave(caps);
      caps.wanted = wanted;
    }
    const known = this.#known.get(wanted.key);
    if (known !== undefined) {
      known.announced ??= wanted;
      caps.wanted = known.announced;
      this.#recognised(acc, caps, known.features);
    } else {
      caps.features = undefined;
      caps.presence = acc.stanza!.retain();
      this.#enter(caps);
    }
  }

  #decode({ wanted, features, told, presence }: CapsData, session: C2sParams): SessionCaps {
    const known = this.#known.get(wanted.key);
    if (known !== undefined) known.announced ??= wanted;
    return {
      session,
      owner: this,
      wanted: known?.announced ?? wanted,
      features: features ?? undefined,
      told: told ?? undefined,
      presence: presence === null ? undefined : Stanza.fromText(StanzaKind.PRESENCE, undefined, presence),
      isAsked: false,
    };
  }

  /** A session came from another shard. What it was asked there is asked again: its answer would come here, where nobody waits for it. */
  #arrived(session: C2sParams): void {
    const caps = this.#of(session);
    if (caps?.presence === undefined) return;
    const known = this.#known.get(caps.wanted.key);
    if (known === undefined) this.#enter(caps);
    else this.#settle(caps, known.features);
  }

  /** Waits for the hash to become known; asks for it if nobody was asked. */
  #enter(caps: SessionCaps): void {
    const { key } = caps.wanted;
    const question = this.#questions.get(key);
    if (question === undefined) this.#questions.set(key, { waiting: new Set([caps]), asked: undefined });
    else question.waiting.add(caps);
    this.#askNext(key);
  }

  #leave(caps: SessionCaps): void {
    const { key } = caps.wanted;
    const waiting = this.#questions.get(key)?.waiting;
    waiting?.delete(caps);
    caps.presence = undefined;
    if (waiting?.size === 0) this.#questions.delete(key);
  }

  /** Asks the first of those who wait, unless somebody is asked already. Who still owes another answer is asked after that. */
  #askNext(key: string): void {
    const question = this.#questions.get(key);
    if (question === undefined || question.asked !== undefined) return;
    for (const caps of question.waiting) {
      if (caps.isAsked) continue;
      if (this.#ask(caps)) {
        question.asked = caps;
        return;
      }
      // Too many questions are open; the next presence brings another chance.
      this.#leave(caps);
    }
  }

  #ask(caps: SessionCaps): boolean {
    const { wanted, session } = caps;
    const { jid } = session;
    const query = Element.of('query', NS_DISCO_INFO, { node: wanted.node });
    const isSent = this.#context.request(
      jid!,
      this.#context.trustedJid(jid!.domain),
      query,
      (answer) => this.#answered(caps, wanted, answer),
      this.#context.options.iq_response_timeout,
    );
    caps.isAsked = isSent;
    return isSent;
  }

  #answered(caps: SessionCaps, asked: Announced, answer: Accumulator | undefined): void {
    caps.isAsked = false;
    const question = this.#questions.get(asked.key);
    if (question?.asked === caps) question.asked = undefined;
    const verified = this.#verify(caps, asked, answer);
    if (verified?.isShareable) this.#share(asked.key, verified.features);
    else if (question?.waiting.has(caps)) {
      // About himself he may say what he likes.
      if (verified === undefined) this.#leave(caps);
      else this.#settle(caps, verified.features);
    }
    this.#askNext(asked.key);
    this.#askNext(caps.wanted.key);
  }

  #verify(caps: SessionCaps, asked: Announced, answer: Accumulator | undefined): Verified | undefined {
    const stanza = answer?.stanza;
    const query = stanza?.type === 'result' ? stanza.element.childOf(NS_DISCO_INFO) : undefined;
    const lang = stanza?.element.attribute('xml:lang') ?? caps.session.lang;
    const verified = verify(asked, query, lang);
    if (verified !== undefined) return verified;
    this.#context.count('refused');
    const { jid } = caps.session;
    this.#context.log.debug({ jid: jid!.full, key: asked.key, what: 'caps_refused' }, 'no such features');
    return undefined;
  }

  /** From now on the features are known for the hash, on all shards. */
  #share(key: string, features: readonly string[]): void {
    const news: News = { key, features };
    this.#known.set(key, { features, announced: undefined });
    this.#context.announce(news);
    this.#context.count('learned');
    for (const caps of this.#questions.get(key)?.waiting ?? []) this.#settle(caps, features);
  }

  /** The hash of somebody who waits is known. */
  #settle(caps: SessionCaps, features: readonly string[]): void {
    const { jid, sid } = caps.session;
    const acc = this.#context.accumulator(jid!, jid!.bareJid, caps.presence!);
    acc.originSid = sid;
    acc.originJid = jid;
    this.#leave(caps);
    this.#recognised(acc, caps, features);
  }

  #recognised(acc: Accumulator, caps: SessionCaps, features: readonly string[]): void {
    const { told } = caps;
    caps.features = features;
    caps.told = features;
    if (told?.length === features.length && features.every((feature) => told.includes(feature))) return;
    void this.#context.runHook('caps_recognised', acc, { session: caps.session, features });
  }
}

function encode({ wanted, features, told, presence }: SessionCaps): CapsData {
  return {
    wanted,
    features: features ?? null,
    told: told ?? null,
    presence: presence?.toText() ?? null,
  };
}
