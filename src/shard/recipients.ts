import type { Accumulator } from '../hooks/accumulator.ts';
import { runAfterwards } from '../hooks/afterwards.ts';
import type { DROP, STOP } from '../hooks/chain.ts';
import { foldHook, runHook } from '../hooks/run.ts';
import { Counter } from '../memory/counters.ts';
import type { DeliveryHost, MaybePromise, RecipientHost } from '../sm/delivery-host.ts';
import { StanzaError } from '../xmpp/stanza-error.ts';
import type { Existence } from './existence.ts';
import { checkDefaultList, type DefaultListVerdict } from './privacy.ts';

/** What delivery has to know of the account to which a stanza goes: asked of the hooks, and of who knows the accounts. */
export class Recipients implements RecipientHost {
  /** Who answers probes of accounts without an available session, by host type. */
  readonly absentProbes = new Map<string, (acc: Accumulator) => MaybePromise>();
  readonly #ways: Pick<DeliveryHost, 'drop' | 'refuse' | 'outcomes'>;
  readonly #existence: Existence;
  readonly #counters: Float64Array;

  /** `ways`: how a stanza's way ends. */
  constructor(
    ways: Pick<DeliveryHost, 'drop' | 'refuse' | 'outcomes'>,
    existence: Existence,
    counters: Float64Array,
  ) {
    this.#ways = ways;
    this.#existence = existence;
    this.#counters = counters;
  }

  doesUserExist(acc: Accumulator): boolean | Promise<boolean> {
    const existence = this.#existence;
    const { trace } = acc;
    if (trace === undefined) return existence.has(acc.hostType, acc.to.bareJid, 'stored');
    // A dry run asks nobody; whoever explains a route has asked before (`explain.ts`).
    const exists = trace.isDryRun
      ? (existence.known(acc.to.bareJid) ?? true)
      : existence.has(acc.hostType, acc.to.bareJid, 'stored');
    if (!(exists instanceof Promise)) return this.#noteExistence(acc, exists);
    return exists.then((answer) => this.#noteExistence(acc, answer));
  }

  #noteExistence(acc: Accumulator, exists: boolean): boolean {
    acc.trace?.note({ step: 'account', outcome: `${acc.to.bare} ${exists ? 'exists' : 'does not exist'}` });
    return exists;
  }

  filterOffline(acc: Accumulator): boolean | Promise<boolean> {
    const { from, to, stanza } = acc;
    const params = { from, to, packet: stanza! };
    return foldHook(acc.hostType, 'sm_filter_offline_message', false, params, acc.trace);
  }

  checkDefaultList(acc: Accumulator): DefaultListVerdict | Promise<DefaultListVerdict> {
    return checkDefaultList(acc);
  }

  inSubscription(acc: Accumulator): boolean | Promise<boolean> {
    const verdict = checkDefaultList(acc);
    if (verdict instanceof Promise) {
      return verdict.then((settled) => (settled === 'allow' ? this.#subscribe(acc) : false));
    }
    return verdict === 'allow' ? this.#subscribe(acc) : false;
  }

  #subscribe(acc: Accumulator): boolean | Promise<boolean> {
    acc.set('hook', 'result', false);
    const type = acc.stanza!.type as 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed';
    const reason = type === 'subscribe' ? (acc.stanza!.element.childText('status') ?? '') : '';
    const params = { to: acc.to.bareJid, from: acc.from.bareJid, type, reason };
    const verdict = runHook(acc.hostType, 'roster_in_subscription', acc, params);
    if (verdict instanceof Promise) return verdict.then(() => acc.get('hook', 'result') === true);
    return acc.get('hook', 'result') === true;
  }

  afterSubscription(acc: Accumulator): undefined {
    runAfterwards(acc);
    return undefined;
  }

  absentProbe(acc: Accumulator): MaybePromise {
    const answer = this.absentProbes.get(acc.hostType?.name ?? '');
    if (answer === undefined || acc.trace?.isDryRun) return this.#ways.drop(acc);
    return answer(acc);
  }

  absent(
    hook: 'offline_message' | 'offline_groupchat_message' | 'failed_to_store_message',
    acc: Accumulator,
  ): MaybePromise {
    if (hook === 'failed_to_store_message') {
      const verdict = runHook(acc.hostType, hook, acc, {});
      // XEP-0191 §3.3: as if nobody were there, whether or not somebody is.
      const refuse = (): undefined => this.#ways.refuse(acc, new StanzaError('service-unavailable'));
      return verdict instanceof Promise ? verdict.then(refuse) : refuse();
    }
    const { from, to, stanza } = acc;
    const verdict = runHook(acc.hostType, hook, acc, { from, to, packet: stanza! });
    if (verdict instanceof Promise) return verdict.then((v) => this.#afterAbsent(acc, v));
    return this.#afterAbsent(acc, verdict);
  }

  /** Whoever stops has taken the message. */
  #afterAbsent(acc: Accumulator, verdict: typeof STOP | typeof DROP | undefined): undefined {
    if (verdict === undefined) {
      if (!acc.trace?.isDryRun) this.#counters[Counter.sm_message_bounced]!++;
      this.#ways.refuse(acc, new StanzaError('service-unavailable'));
    } else if (acc.trace?.isDryRun) {
      this.#ways.outcomes.ended(acc, acc.get('offline', 'stored') === true ? 'stored' : 'dropped');
    }
    return undefined;
  }
}
