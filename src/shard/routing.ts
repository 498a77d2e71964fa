import type { Accumulator } from '../hooks/accumulator.ts';
import type { HostType } from '../hooks/host-type.ts';
import { HOOK_INDEX } from '../hooks/points.ts';
import type { Hooked } from '../hooks/run.ts';
import { HOPS_MAX, VISITS_MAX } from '../limits.ts';
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
import type { DeliveryHost, MaybePromise } from '../sm/delivery-host.ts';
import { Multicast, type MulticastHost } from '../sm/multicast.ts';
import { Outcomes } from '../sm/outcomes.ts';
import type { SessionManager } from '../sm/session-manager.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import { StanzaKind } from '../xmpp/stanza.ts';
import { StanzaError } from '../xmpp/stanza-error.ts';
import type { Existence } from './existence.ts';
import { checkDefaultList, type DefaultListVerdict } from './privacy.ts';
import { Recipients } from './recipients.ts';

const FILTER_PACKET = HOOK_INDEX.filter_packet;

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
  readonly outcomes: Outcomes;
  readonly recipients: Recipients;
  readonly #localDelivery: LocalDelivery;
  readonly #around: RoutingSurroundings;
  #router: Router;
  /** Whether stanzas to hosted domains pass no module of the chain that could take them elsewhere. */
  #isStraight = false;

  constructor(around: RoutingSurroundings, modules: readonly string[]) {
    this.#around = around;
    this.outcomes = new Outcomes(around.counters);
    this.recipients = new Recipients(this, around.existence, around.counters);
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
    this.outcomes.fromServer(acc);
    return this.#router.route(acc);
  }

  /** Routes what a client has sent. */
  routeFromClient(acc: Accumulator): undefined | Promise<void> {
    this.outcomes.fromClient(acc);
    return this.#router.route(acc);
  }

  /** Routes once more what has not come to an end. */
  routeOn(acc: Accumulator): undefined | Promise<void> {
    return this.#router.route(acc);
  }

  // ── the ends of a stanza's way ─────────────────────────────────────────────────────────────────────────────

  drop(acc: Accumulator): undefined {
    this.outcomes.ended(acc, 'dropped');
    return undefined;
  }

  refuse(acc: Accumulator, error: StanzaError): undefined {
    const reply = acc.errorReply(error);
    if (reply === undefined) return this.drop(acc);
    acc.trace?.note({ step: 'error', outcome: error.condition });
    this.outcomes.ended(acc, 'bounced');
    this.#around.counters[Counter.stanza_error_out]!++;
    const routing = this.route(reply);
    if (routing !== undefined) void routing;
    return undefined;
  }

  routeAgain(acc: Accumulator, isInLine = false): MaybePromise {
    this.#around.counters[Counter.rerouted]!++;
    acc.hopped();
    if (acc.hops > HOPS_MAX) {
      this.looped(acc);
      return undefined;
    }
    acc.trace?.note({ step: 'route again', outcome: `session of ${acc.to.full} is gone` });
    if (acc.visits > 1 && acc.stanza?.kind !== StanzaKind.MESSAGE && acc.receiverSid !== undefined) {
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
    if (this.goesAfterSession(acc)) {
      void this.delivery.reroutes.run(acc, () => this.delivery.toSession(acc, to));
    }
  }

  /** A stanza's session is somewhere else now. False: it has gone after it too often, and was answered with an error. Nobody makes a loop of that, but a client that comes and goes. */
  goesAfterSession(acc: Accumulator): boolean {
    if (acc.visits >= VISITS_MAX) {
      this.refuse(acc, new StanzaError('resource-constraint', 'The recipient comes and goes too often'));
      return false;
    }
    acc.visited();
    return true;
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
    return this.recipients.doesUserExist(acc);
  }
}
