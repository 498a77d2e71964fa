import {
  type Accumulator,
  type Failed,
  type Jid,
  type ModuleContext,
  NS_CLIENT,
  type PushSubscription,
} from '../module.ts';
import type { PushOptions } from './options.ts';
import { type Fields, publication } from './push-content.ts';
import type { PushServices } from './push-services.ts';

/** Nodes of users that are being told something. */
const NODES_MAX = 2_000;
const ANSWER_MS_MAX = 10_000;

/** Errors that come from the way to the service, and say nothing about the node: they would also be of type `cancel`. */
const ON_THE_WAY: ReadonlySet<string> = new Set([
  'remote-server-not-found',
  'remote-server-timeout',
  'service-unavailable',
  'internal-server-error',
]);

/** What one node is to be told. */
interface Notification {
  readonly acc: Accumulator;
  readonly user: Jid;
  readonly subscription: PushSubscription;
  readonly summary: Fields;
}

/** How it went: told, not told, or the node is no more. */
type Result = 'ok' | 'failed' | 'gone';

/**
 * Tells the nodes of push services. One at a time each, and if a service is slow the latest only: it has the number of all. So however many messages a user gets, a
 * service that somebody else has named for him hears no more than it answers.
 */
export class PushPublishing {
  readonly #context: ModuleContext;
  readonly #services: PushServices;
  readonly #virtualHosts: readonly string[];
  /** By user, service and node: what comes after the one under way. */
  readonly #busy = new Map<string, Notification | undefined>();

  constructor(context: ModuleContext, services: PushServices, options: PushOptions) {
    this.#context = context;
    this.#services = services;
    this.#virtualHosts = options.virtual_pubsub_hosts;
  }

  publish(notification: Notification): void {
    const { user, subscription } = notification;
    const key = JSON.stringify([user.bare, subscription.service, subscription.node]);
    if (this.#busy.has(key)) {
      if (this.#busy.get(key) !== undefined) this.#context.count('push_coalesced');
      this.#busy.set(key, notification);
    } else if (this.#busy.size >= NODES_MAX) this.#context.count('push_dropped');
    else void this.#tell(key, notification);
  }

  /** Never rejects. */
  async #tell(key: string, first: Notification): Promise<void> {
    let next: Notification | undefined = first;
    while (next !== undefined) {
      this.#busy.set(key, undefined);
      try {
        await this.#settle(next, await this.#send(next));
      } catch (cause) {
        this.#context.count('push_failed');
        this.#context.log.warn({ err: cause, what: 'push_failed', user: next.user.bare }, 'no notification');
      }
      next = this.#busy.get(key);
    }
    this.#busy.delete(key);
  }

  async #settle({ user, subscription }: Notification, result: Result): Promise<void> {
    this.#context.count(result === 'ok' ? 'push_sent' : 'push_failed');
    if (result !== 'gone') return;
    this.#context.count('push_disabled');
    await this.#services.disable(user, subscription.service, subscription.node);
  }

  async #send(notification: Notification): Promise<Result> {
    const service = this.#context.trustedJid(notification.subscription.service);
    const isVirtual = this.#virtualHosts.some(
      (host) => host.replaceAll('@HOST@', notification.user.domain) === service.domain,
    );
    return isVirtual ? this.#tellModule(notification, service) : this.#tellService(notification, service);
  }

  /** A module of this server stands for the service. */
  async #tellModule({ subscription, summary }: Notification, service: Jid): Promise<Result> {
    const outcome = await this.#context.foldHook('push_notifications', 'ok', {
      pubsubJid: service,
      notificationForms: [Object.fromEntries(summary)],
      options: Object.fromEntries(subscription.form ?? []),
    });
    if (outcome === 'ok') return 'ok';
    return (outcome as Failed).error === 'device_not_registered' ? 'gone' : 'failed';
  }

  #tellService({ user, subscription, summary }: Notification, service: Jid): Promise<Result> {
    const from = this.#context.trustedJid(user.domain);
    return new Promise((resolve) => {
      const isSent = this.#context.request(
        service,
        from,
        publication(subscription, summary),
        (answer) => resolve(answer === undefined ? 'failed' : resultOf(answer)),
        ANSWER_MS_MAX,
        'set',
      );
      if (!isSent) resolve('failed');
    });
  }
}

function resultOf({ stanza }: Accumulator): Result {
  if (stanza!.type !== 'error') return 'ok';
  const error = stanza!.element.child('error', NS_CLIENT);
  const isOnTheWay = error?.elements().some(({ name }) => ON_THE_WAY.has(name)) ?? false;
  // XEP-0357 §7: a service that does not want it any more is asked no more.
  return error?.attribute('type') === 'cancel' && !isOnTheWay ? 'gone' : 'failed';
}
