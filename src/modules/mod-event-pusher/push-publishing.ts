import type { Accumulator, Failed, Jid, ModuleContext, PushSubscription } from '../module.ts';
import type { PushOptions } from './options.ts';
import { type Fields, publication } from './push-content.ts';
import { meaningOf, type PushErrors } from './push-errors.ts';
import type { PushServices } from './push-services.ts';

/** Nodes of users that are being told something. */
const NODES_MAX = 2_000;
const ANSWER_MS_MAX = 10_000;

/** What one node is to be told. */
interface Notification {
  readonly acc: Accumulator;
  readonly user: Jid;
  readonly subscription: PushSubscription;
  readonly summary: Fields;
}

/** How it went: told; not told, and the service has said why (`error`) or not; or the node is no more. */
type Result = 'ok' | 'error' | 'failed' | 'gone';

/**
 * Tells the nodes of push services. One at a time each, and if a service is slow the latest only: it has the number of all. So however many messages a user gets, a
 * service that somebody else has named for him hears no more than it answers.
 */
export class PushPublishing {
  readonly #context: ModuleContext;
  readonly #services: PushServices;
  readonly #errors: PushErrors;
  readonly #virtualHosts: readonly string[];
  /** By user, service and node: what comes after the one under way. */
  readonly #busy = new Map<string, Notification | undefined>();

  constructor(context: ModuleContext, services: PushServices, errors: PushErrors, options: PushOptions) {
    this.#context = context;
    this.#services = services;
    this.#errors = errors;
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
      let isGone = false;
      try {
        isGone = await this.#settle(key, next, await this.#send(next));
      } catch (cause) {
        this.#context.count('push_failed');
        this.#context.log.warn({ err: cause, what: 'push_failed', user: next.user.bare }, 'no notification');
      }
      next = this.#busy.get(key);
      if (isGone && next !== undefined) {
        // The node would only say the same once more, and end what its client has enabled again by then.
        this.#context.count('push_dropped');
        next = undefined;
      }
    }
    this.#busy.delete(key);
  }

  /** Whether the node is told nothing more. */
  async #settle(key: string, { user, subscription }: Notification, result: Result): Promise<boolean> {
    this.#context.count(result === 'ok' ? 'push_sent' : 'push_failed');
    if (result === 'ok') this.#errors.passed(user.bare, key);
    const isLast = result === 'error' && this.#errors.add(user.bare, key, this.#context.timestamp());
    if (result !== 'gone' && !isLast) return false;
    this.#context.count('push_disabled');
    await this.#services.disable(user, subscription.service, subscription.node);
    return true;
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
        (answer) => resolve(answer === undefined ? 'failed' : meaningOf(answer)),
        ANSWER_MS_MAX,
        'set',
      );
      if (!isSent) resolve('failed');
    });
  }
}
