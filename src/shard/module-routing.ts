import { Accumulator, Origin } from '../hooks/accumulator.ts';
import type { Verdict } from '../hooks/chain.ts';
import { HOOK_INDEX, type HookAcc, type HookName, type HookParams } from '../hooks/points.ts';
import { checkPrivacy, type PrivacyCheck } from '../hooks/privacy.ts';
import type { ChainTable } from '../hooks/registry.ts';
import { foldHook, runHook, type StanzaHook, type ValueHook } from '../hooks/run.ts';
import type { C2sParams } from '../hooks/session.ts';
import type { PrivacyDecision, PrivacyList } from '../hooks/values.ts';
import type { RoutingApi } from '../modules/module.ts';
import { Element } from '../xml/element.ts';
import type { Jid } from '../xmpp/jid.ts';
import { NS_CLIENT } from '../xmpp/namespaces.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import { Stanza } from '../xmpp/stanza.ts';
import { ModuleRegistrations } from './module-registrations.ts';
import { presenceTargets } from './privacy.ts';

/** Hooks and stanzas, for modules. */
export abstract class ModuleRouting extends ModuleRegistrations implements RoutingApi {
  /** Which hooks others handle, as far as it was asked, and in which hooks. */
  readonly #othersKnown = new Map<HookName, boolean>();
  #chainsKnown: ChainTable | undefined = undefined;

  get isDryRun(): boolean {
    return this.services.dryRun.isActive;
  }

  runHook<N extends StanzaHook>(
    name: N,
    acc: Accumulator,
    params: HookParams<N>,
  ): Verdict | Promise<Verdict> {
    return runHook(this.host, name, acc, params);
  }

  foldHook<N extends ValueHook>(
    name: N,
    value: HookAcc<N>,
    params: HookParams<N>,
  ): HookAcc<N> | Promise<HookAcc<N>> {
    return foldHook(this.host, name, value, params, this.services.dryRun.trace);
  }

  hasOtherHandlers(name: HookName): boolean {
    const { chains } = this.host;
    // It is asked for each stanza, and changes when modules come and go.
    if (chains !== this.#chainsKnown) {
      this.#chainsKnown = chains;
      this.#othersKnown.clear();
    }
    const known = this.#othersKnown.get(name);
    if (known !== undefined) return known;
    const entries = chains[HOOK_INDEX[name]]?.entries ?? [];
    const hasOthers = entries.some(({ module }) => module !== this.module);
    this.#othersKnown.set(name, hasOthers);
    return hasOthers;
  }

  checkPrivacy(acc: Accumulator, check: PrivacyCheck): PrivacyDecision | Promise<PrivacyDecision> {
    return checkPrivacy(this.host, acc, check);
  }

  presenceTargets(
    acc: Accumulator,
    own: C2sParams | Jid,
    targets: readonly Jid[],
    type: string | undefined,
    list?: PrivacyList,
  ): readonly Jid[] | Promise<readonly Jid[]> {
    return presenceTargets(this.host, acc, own, targets, type, list);
  }

  jid(text: string): Jid | undefined {
    return this.services.jids.parse(text);
  }

  trustedJid(full: string): Jid {
    return this.services.jids.trusted(full);
  }

  accumulator(from: Jid, to: Jid, stanza: Stanza | Element): Accumulator {
    const acc = new Accumulator(
      this.services.nextRef(),
      this.services.timestamp(),
      Origin.NONE,
      this.host,
      from.domain,
      stanza instanceof Element ? Stanza.of(stanza) : stanza,
      from,
      to,
    );
    acc.trace = this.services.dryRun.trace;
    return acc;
  }

  route(acc: Accumulator): undefined | Promise<unknown> {
    if (this.services.dryRun.isActive) acc.trace ??= this.services.dryRun.trace;
    this.services.touch();
    return this.services.routing.route(acc);
  }

  multicast(cause: Accumulator, stanza: Stanza, from: Jid, recipients: readonly Jid[]): void {
    if (this.services.dryRun.isActive) {
      for (const to of recipients) void this.route(cause.derive(stanza, from, to));
      return;
    }
    this.services.touch();
    this.services.routing.multicast.send(cause, stanza, from, recipients);
  }

  routeAgain(acc: Accumulator): undefined | Promise<unknown> {
    this.services.touch();
    return this.services.routing.routeAgain(acc);
  }

  takeBack(acc: Accumulator): void {
    this.services.routing.outcomes.takenBack(acc);
  }

  handOver(acc: Accumulator, to: SessionId): void {
    this.services.touch();
    this.services.routing.handOver(acc, to);
  }

  holdDelivery(bare: Jid, until: Promise<unknown>): void {
    this.services.routing.delivery.hold(bare.bare, until);
  }

  request(
    to: Jid,
    from: Jid,
    payload: Element,
    callback: (answer: Accumulator | undefined) => void,
    timeoutMs?: number,
    type: 'get' | 'set' = 'get',
  ): boolean {
    if (this.withheld('request', `to ${to.full}`)) return true;
    const id = this.services.routing.pending.register(to.full, callback, timeoutMs);
    if (id === undefined) return false;
    const iq = Element.of('iq', NS_CLIENT, { type, id }, payload);
    void this.route(this.accumulator(from, to, iq));
    return true;
  }

  outcome(acc: Accumulator, outcome: 'delivered' | 'stored' | 'bounced' | 'dropped'): void {
    this.services.routing.outcomes.ended(acc, outcome);
  }

  encodeKeys(keys: ReadonlyMap<string, unknown> | undefined): readonly (readonly [string, unknown])[] {
    return this.services.keys.encode(keys) ?? [];
  }

  decodeKeys(keys: readonly (readonly [string, unknown])[]): ReadonlyMap<string, unknown> | undefined {
    return this.services.keys.decode(keys);
  }
}
