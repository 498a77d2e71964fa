import type { Accumulator } from '../hooks/accumulator.ts';
import { runAfterwards } from '../hooks/afterwards.ts';
import type { DROP, STOP } from '../hooks/chain.ts';
import type { HostType } from '../hooks/host-type.ts';
import { HOOK_INDEX } from '../hooks/points.ts';
import { foldHook, type Hooked, runHook } from '../hooks/run.ts';
import { HOPS_MAX } from '../limits.ts';
import { LocalDelivery } from '../local/delivery.ts';
import { IqTable } from '../local/iq-table.ts';
import { Local, type LocalHost } from '../local/local.ts';
import { PendingIqs } from '../local/pending-iqs.ts';
import { Counter } from '../memory/counters.ts';
import type { Logger } from '../observe/log.ts';
import { dynamicDomainsRouter, type FindDomain } from '../router/dynamic-domains.ts';
import { externalLocalnodeRouter, externalRouter } from '../router/external.ts';
import { globalRouter } from '../router/global.ts';
import { localdomainRouter } from '../router/localdomain.ts';
import { ComponentTable, RouteTable } from '../router/route-table.ts';
import { Router, type RouterHost } from '../router/router.ts';
import type { RoutingModule } from '../router/routing-module.ts';
import { s2sRouter } from '../router/s2s.ts';
import { Delivery } from '../sm/delivery.ts';
import type { DeliveryHost, MaybePromise, RouteOutcome } from '../sm/delivery-host.ts';
import { Multicast, type MulticastHost } from '../sm/multicast.ts';
import type { SessionManager } from '../sm/session-manager.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import { type Stanza, StanzaKind } from '../xmpp/stanza.ts';
import { StanzaError } from '../xmpp/stanza-error.ts';
import type { Existence } from './existence.ts';
import { checkDefaultList, type DefaultListVerdict } from './privacy.ts';

const FILTER_PACKET = HOOK_INDEX.filter_packet;

/** The first cell of each outcome; the kind of the stanza is added to it. */
const OUTCOMES: Record<RouteOutcome, number> = {
  delivered: Counter.route_delivered_message,
  forwarded: Counter.route_forwarded_message,
  stored: Counter.route_stored_message,
  bounced: Counter.route_bounced_message,
  dropped: Counter.route_dropped_message,
};

/** What routing needs from its shard. */
export interface RoutingSurroundings {
  readonly shard: number;
  readonly counters: Float64Array;
  readonly log: Logger;
  readonly globals: Hooked;
  readonly sm: SessionManager;
  readonly existence: Existence;
  readonly findDomain: FindDomain;
  /** Whether a parent of the domain is hosted here and keeps its subdomains to itself. */
  readonly isOwnSubdomain: (domain: string) => boolean;
  /** Hands an answer to the shard whose request it answers. */
  forwardAnswer(shard: number, acc: Accumulator): void;
}

/**
 * A stanza's way on this shard, in one place: router chain → local delivery → local handling or session manager.
 * Here the steps are tied together; what each does is in its own folder.
 */
export class Routing implements RouterHost, DeliveryHost, LocalHost, MulticastHost {
  readonly routes = new RouteTable();
  readonly components = new ComponentTable();
  readonly iqs = new IqTable();
  readonly pending: PendingIqs;
  readonly delivery: Delivery;
  readonly multicast: Multicast;
  readonly local: Local;
  /** Who answers probes of accounts without an available session, by host type. */
  readonly absentProbes = new Map<string, (acc: Accumulator) => MaybePromise>();
  readonly #localDelivery: LocalDelivery;
  readonly #around: RoutingSurroundings;
  #router: Router;
  /** Whether stanzas to hosted domains pass no module of the chain that could take them elsewhere. */
  #isStraight = false;

  constructor(around: RoutingSurroundings, modules: readonly string[]) {
    this.#around = around;
    this.pending = new PendingIqs(around.shard);
    this.delivery = new Delivery(around.sm, this);
    this.multicast = new Multicast(this.delivery, this);
    this.local = new Local(this.iqs, this);
    this.#localDelivery = new LocalDelivery((acc) => this.#stanzaDropped(acc));
    this.#router = new Router(this.#chain(modules), this);
  }

  /** Builds the router chain from `general.routing_modules`. */
  setModules(modules: readonly string[]): void {
    this.#router = new Router(this.#chain(modules), this);
  }

  #chain(names: readonly string[]): RoutingModule[] {
    // No component can have a hosted domain.
    this.#isStraight =
      names.includes('localdomain') && !names.slice(0, names.indexOf('localdomain')).includes('s2s');
    const deliver = (acc: Accumulator, route: Parameters<LocalDelivery['deliver']>[1]): MaybePromise =>
      this.#localDelivery.deliver(acc, route);
    const all = [
      globalRouter(this.#around.globals),
      localdomainRouter(this.routes, deliver),
      externalLocalnodeRouter(this.components, this.#around.shard, deliver),
      externalRouter(this.components, deliver),
      dynamicDomainsRouter(this.routes, this.#around.findDomain, deliver),
      s2sRouter(this.#around.isOwnSubdomain, (acc, error) => this.refuse(acc, error)),
    ];
    return names.map((name) => all.find((module) => module.name === name)!);
  }

  /** Routes a stanza that the server makes, because of another one or by itself. The promise, if there is one, settles when routing is over and never rejects. */
  route(acc: Accumulator): undefined | Promise<void> {
    this.#entered(acc, Counter.messages_from_server);
    return this.#router.route(acc);
  }

  /** Routes what a client has sent. */
  routeFromClient(acc: Accumulator): undefined | Promise<void> {
    this.#entered(acc, Counter.messages_from_clients);
    return this.#router.route(acc);
  }

  /** Routes once more what has not come to an end. */
  routeOn(acc: Accumulator): undefined | Promise<void> {
    return this.#router.route(acc);
  }

  // ── where messages come from: the other side of their outcomes ─────────────────────────────────────────────

  #entered(acc: Accumulator, source: number): void {
    if (acc.stanza?.kind !== StanzaKind.MESSAGE || acc.trace?.isDryRun) return;
    this.#around.counters[source]!++;
  }

  /** A stanza for so many sessions came from another shard. */
  arrived(acc: Accumulator, sessions: number): void {
    if (acc.stanza?.kind !== StanzaKind.MESSAGE) return;
    this.#around.counters[Counter.messages_from_shards]!++;
    this.#around.counters[Counter.messages_copied]! += sessions - 1;
  }

  takenBack(acc: Accumulator): void {
    this.#entered(acc, Counter.messages_taken_back);
  }

  sentOn(of: Stanza, accounts: number): void {
    if (of.kind === StanzaKind.MESSAGE) this.#around.counters[Counter.messages_from_server]! += accounts;
  }

  arrivedOf(of: Stanza, ways: number): void {
    if (of.kind !== StanzaKind.MESSAGE) return;
    this.#around.counters[Counter.messages_from_shards]!++;
    this.#around.counters[Counter.messages_copied]! += ways - 1;
  }

  copiedOf(of: Stanza, more: number): void {
    if (of.kind === StanzaKind.MESSAGE) this.#around.counters[Counter.messages_copied]! += more;
  }

  copied(acc: Accumulator, more: number): void {
    if (acc.stanza?.kind !== StanzaKind.MESSAGE || acc.trace?.isDryRun) return;
    this.#around.counters[Counter.messages_copied]! += more;
  }

  // ── the ends of a stanza's way ─────────────────────────────────────────────────────────────────────────────

  outcome(acc: Accumulator, outcome: RouteOutcome): void {
    const { trace } = acc;
    if (trace !== undefined) {
      trace.note({ step: 'outcome', outcome: `${outcome}: ${acc.to.full}`, decision: outcome });
      if (trace.isDryRun) return;
    }
    this.#around.counters[OUTCOMES[outcome] + (acc.stanza?.kind ?? StanzaKind.OTHER)]!++;
  }

  count(of: Stanza, outcome: RouteOutcome, by: number): void {
    this.#around.counters[OUTCOMES[outcome] + of.kind]! += by;
  }

  drop(acc: Accumulator): undefined {
    this.outcome(acc, 'dropped');
    return undefined;
  }

  refuse(acc: Accumulator, error: StanzaError): undefined {
    const reply = acc.errorReply(error);
    if (reply === undefined) return this.drop(acc);
    acc.trace?.note({ step: 'error', outcome: error.condition });
    this.outcome(acc, 'bounced');
    this.#around.counters[Counter.stanza_error_out]!++;
    const routing = this.route(reply);
    if (routing !== undefined) void routing;
    return undefined;
  }

  routeAgain(acc: Accumulator, isInLine = false): MaybePromise {
    this.#around.counters[Counter.rerouted]!++;
    if (++acc.hops > HOPS_MAX) {
      this.looped(acc);
      return undefined;
    }
    acc.trace?.note({ step: 'route again', outcome: `session of ${acc.to.full} is gone` });
    if (acc.hops > 1 && acc.stanza?.kind !== StanzaKind.MESSAGE && acc.receiverSid !== undefined) {
      return this.drop(acc);
    }
    if (!isInLine && this.delivery.reroutes.isFull) {
      return this.refuse(acc, new StanzaError('resource-constraint', 'The server is overloaded'));
    }
    const work = (): MaybePromise => this.#routeInLine(acc);
    const routing = isInLine ? work() : this.delivery.reroutes.run(acc, work);
    // Its bytes may be in a ring, where others will be soon.
    if (routing !== undefined) acc.stanza?.retain();
    return routing;
  }

  /** A stanza's session was replaced: the session `to` gets it, after earlier ones of its sender. */
  handOver(acc: Accumulator, to: SessionId): void {
    this.#around.counters[Counter.rerouted]!++;
    if (++acc.hops > HOPS_MAX) this.looped(acc);
    else void this.delivery.reroutes.run(acc, () => this.delivery.toSession(acc, to));
  }

  #routeInLine(acc: Accumulator): MaybePromise {
    try {
      return this.delivery
        .routeInLine(acc)
        ?.catch((cause: unknown) => this.failed(acc, 'sm', 'route', cause));
    } catch (cause) {
      return this.failed(acc, 'sm', 'route', cause);
    }
  }

  // ── MulticastHost ──────────────────────────────────────────────────────────────────────────────────────────

  usersOf(domain: string): HostType | undefined {
    if (!this.#isStraight || this.#around.globals.chains[FILTER_PACKET] !== null) return undefined;
    const route = this.routes.get(domain);
    return route?.isUsers ? route.hostType : undefined;
  }

  // ── RouterHost ─────────────────────────────────────────────────────────────────────────────────────────────

  dropped(acc: Accumulator, module: string): void {
    acc.trace?.note({ step: `router ${module}`, outcome: 'drop' });
    this.drop(acc);
  }

  noRoute(acc: Accumulator): void {
    this.#around.counters[Counter.router_no_route_found]!++;
    this.#around.log.warn(
      { what: 'no_more_routing_modules', to: acc.to.full, ref: acc.ref },
      'no route found',
    );
    this.drop(acc);
  }

  failed(acc: Accumulator, module: string, step: 'filter' | 'route', cause: unknown): undefined {
    this.#around.counters[Counter.router_failed]!++;
    const what = step === 'filter' ? 'route_filter_failed' : 'routing_failed';
    this.#around.log.error({ err: cause, what, module, to: acc.to.full, ref: acc.ref }, 'routing failed');
    return this.drop(acc);
  }

  looped(acc: Accumulator): void {
    this.#around.log.warn({ what: 'routing_loop', from: acc.from.full, to: acc.to.full }, 'routed too often');
    this.drop(acc);
  }

  #stanzaDropped(acc: Accumulator): void {
    this.#around.counters[Counter.router_stanza_dropped]!++;
    this.drop(acc);
  }

  // ── LocalHost ──────────────────────────────────────────────────────────────────────────────────────────────

  toUser(acc: Accumulator): MaybePromise {
    return this.delivery.route(acc);
  }

  answer(acc: Accumulator): boolean {
    const id = acc.stanza!.id;
    const shard = id === undefined ? undefined : PendingIqs.shardOf(id);
    if (id === undefined || shard === undefined) return false;
    if (acc.trace?.isDryRun) {
      acc.trace.note({ step: 'answer', outcome: `to a request of shard ${shard}`, decision: 'answered' });
      return true;
    }
    if (shard === this.#around.shard) return this.pending.answer(id, acc);
    this.#around.forwardAnswer(shard, acc);
    return true;
  }

  handlerFailed(acc: Accumulator, namespace: string, cause: unknown): void {
    this.#around.log.error(
      { err: cause, what: 'iq_handler_failed', namespace, ref: acc.ref },
      'request failed',
    );
  }

  // ── DeliveryHost ───────────────────────────────────────────────────────────────────────────────────────────

  bareIq(acc: Accumulator): MaybePromise {
    const verdict = checkDefaultList(acc);
    return verdict instanceof Promise
      ? verdict.then((settled) => this.#bareIq(acc, settled))
      : this.#bareIq(acc, verdict);
  }

  /** The server answers for the account, but not to whom that has blocked (XEP-0016 §2.13, XEP-0191 §3.3): to him nobody is there. */
  #bareIq(acc: Accumulator, verdict: DefaultListVerdict): MaybePromise {
    if (verdict === 'allow') return this.local.handleBare(acc);
    if (verdict === 'unknown') return this.refuse(acc, new StanzaError('internal-server-error'));
    return this.refuse(acc, new StanzaError('service-unavailable'));
  }

  doesUserExist(acc: Accumulator): boolean | Promise<boolean> {
    const { existence } = this.#around;
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
    if (answer === undefined || acc.trace?.isDryRun) return this.drop(acc);
    return answer(acc);
  }

  absent(
    hook: 'offline_message' | 'offline_groupchat_message' | 'failed_to_store_message',
    acc: Accumulator,
  ): MaybePromise {
    if (hook === 'failed_to_store_message') {
      const verdict = runHook(acc.hostType, hook, acc, {});
      // XEP-0191 §3.3: as if nobody were there, whether or not somebody is.
      const refuse = (): undefined => this.refuse(acc, new StanzaError('service-unavailable'));
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
      if (!acc.trace?.isDryRun) this.#around.counters[Counter.sm_message_bounced]!++;
      this.refuse(acc, new StanzaError('service-unavailable'));
    } else if (acc.trace?.isDryRun) {
      this.outcome(acc, acc.get('offline', 'stored') === true ? 'stored' : 'dropped');
    }
    return undefined;
  }
}
