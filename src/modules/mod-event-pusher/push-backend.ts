import {
  type Accumulator,
  Flag,
  type Jid,
  LatestQueue,
  type ModuleContext,
  NS_PUSH,
  type PushEventAcc,
  type PushedEvent,
  type PushSubscription,
  stop,
} from '../module.ts';
import { type Backend, markAgain, WANTED } from './backend.ts';
import type { Events } from './events.ts';
import type { PushOptions } from './options.ts';
import { isWorthTelling, summaryOf } from './push-content.ts';
import { PushErrors } from './push-errors.ts';
import { isWanted } from './push-privacy.ts';
import { PushPublishing } from './push-publishing.ts';
import { PushRequests } from './push-requests.ts';
import { PushServices, publishedServices } from './push-services.ts';

/** Messages of one shard that wait, and what they take. */
const WAITING_MAX = 5_000;
const WAITING_BYTES_MAX = 8 * 1_048_576;
/** What the objects of one message take beside its bytes, roughly. */
const OVERHEAD_BYTES = 512;

/** A message whose user is to be told. */
interface Job {
  readonly acc: Accumulator;
  readonly user: Jid;
  /** Undefined: all of his services that were not told before. */
  readonly only: PushSubscription | undefined;
}

/**
 * Push notifications (XEP-0357): who is not there is told of messages by services outside. Told is what really goes to nobody, after the checks of privacy: of a message to
 * be delivered is only noted that it may be told of, until `offline_message` says that nobody is there. The rest happens behind the message's back.
 */
export class PushBackend implements Backend {
  readonly interests = ['delivered', 'unacknowledged'] as const;
  readonly #context: ModuleContext;
  readonly #options: PushOptions;
  readonly #events: Events;
  readonly #services: PushServices;
  readonly #publishing: PushPublishing;
  readonly #queue: LatestQueue<Job>;

  constructor(context: ModuleContext, options: PushOptions, events: Events) {
    this.#context = context;
    this.#options = options;
    this.#events = events;
    const errors = new PushErrors(options.max_errors_in_a_row, options.error_period);
    this.#services = new PushServices(context, errors, options);
    this.#publishing = new PushPublishing(context, this.#services, errors, options);
    this.#queue = new LatestQueue({
      activeMax: options.wpool.workers,
      waitingMax: WAITING_MAX,
      bytesMax: WAITING_BYTES_MAX,
      work: (job) => this.#tell(job),
      dropped: (count) => context.count('push_dropped', count),
    });
    context.onStop(() => this.#queue.close());
    this.#register();
  }

  #register(): void {
    const context = this.#context;
    const services = this.#services;
    const requests = new PushRequests(context, services);
    // They reach the store in the order they came.
    const besideEachOther = { type: 'parallel' } as const;
    context.iq('local', NS_PUSH, (request) => requests.answer(request), besideEachOther);
    context.iq('sm', NS_PUSH, (request) => requests.answer(request), besideEachOther);
    context.permanentKey('event_pusher', 'published_services', {
      encode: (list) => list,
      decode: (data) => data,
    });
    const hasEffects = { hasEffects: true };
    context.hook('offline_message', 30, (acc, { to }) => this.absent(acc, to), hasEffects);
    context.hook('offline_groupchat_message', 30, (acc, { to }) => this.absent(acc, to), hasEffects);
    context.hook('foreign_event', 50, (_acc, { tag, session, content }) => {
      return tag === context.module
        ? services.disabled(session, content as Parameters<PushServices['disabled']>[1])
        : undefined;
    });
    context.hook('remove_user', 90, (_acc, { jid }) => services.removeUser(jid));
    context.hook('anonymous_purge', 90, (_acc, { jid }) => services.removeUser(jid));
    context.hook('remove_domain', 50, async (removal, { domain }) => {
      try {
        await services.removeDomain(domain);
        return undefined;
      } catch {
        return stop({ ...removal, failed: [...removal.failed, context.module] });
      }
    });
    context.hook('get_personal_data', 50, (data, { jid }) => services.personalData(data, jid));
  }

  event(event: PushedEvent, { acc }: PushEventAcc): undefined {
    if (event.kind === 'chat' && event.direction === 'out') acc.set(...WANTED, true);
    else if (event.kind === 'unack_msg') this.#unacknowledged(acc, event.to);
  }

  /** Nobody is there who would get the message. Never waits for what follows from it. */
  absent(acc: Accumulator, to: Jid): undefined | Promise<undefined> {
    // What is stored was told of when it was stored.
    if ((acc.flags & Flag.STORED) !== 0) return undefined;
    const user = to.bareJid;
    if (this.#services.hasNone(user)) return undefined;
    // A session that takes no messages by itself is somebody all the same.
    if (this.#context.sessions(user).length > 0) return undefined;
    if (!isWorthTelling(acc.stanza!, this.#options.plugin_module)) return undefined;
    if (acc.get(...WANTED) === undefined) {
      // Somebody was there when it was about to be delivered, and has left.
      markAgain(acc);
      const asked = this.#events.message(acc, 'out');
      if (asked !== undefined) return asked.then(() => this.#enqueueWanted(acc, user));
    }
    return this.#enqueueWanted(acc, user);
  }

  #enqueueWanted(acc: Accumulator, user: Jid): undefined {
    if (acc.get(...WANTED) === true) this.#enqueue(acc, user, undefined);
  }

  /** The session of a client that has enabled notifications has lost its connection, and this message has not been acknowledged. */
  #unacknowledged(acc: Accumulator, to: Jid): void {
    const plugin = this.#options.plugin_module;
    if (plugin === 'defaults' || !isWorthTelling(acc.stanza!, plugin)) return;
    const session = this.#context.session(to)?.params;
    const own = session === undefined ? undefined : this.#services.ofSession(session);
    if (own === undefined) return;
    const published = publishedServices(acc);
    if (published.some((one) => isOf(own, one))) return;
    acc.set('event_pusher', 'published_services', [...published, [own.service, own.node]]);
    this.#enqueue(acc, to.bareJid, own);
  }

  #enqueue(acc: Accumulator, user: Jid, only: PushSubscription | undefined): void {
    acc.retain();
    const copy = acc.derive(acc.stanza!, acc.from, acc.to);
    const unread = acc.get<number>('inbox', 'unread_count');
    if (unread !== undefined) copy.set('inbox', 'unread_count', unread);
    this.#queue.push({ acc: copy, user, only }, acc.stanza!.sizeMax('', '') + OVERHEAD_BYTES);
  }

  /** Never rejects. */
  async #tell({ acc, user, only }: Job): Promise<void> {
    try {
      const published = publishedServices(acc);
      const services =
        only === undefined
          ? (await this.#services.of(user)).filter((one) => !published.some((other) => isOf(one, other)))
          : [only];
      if (services.length === 0 || !(await isWanted(this.#context, acc, user))) return;
      await this.#context.runHook('inbox_unread_count', acc, { user });
      const count = acc.get<number>('inbox', 'unread_count') ?? 1;
      const summary = summaryOf(acc, count, this.#options.include_body);
      for (const subscription of services) this.#publishing.publish({ acc, user, subscription, summary });
    } catch (cause) {
      this.#context.count('push_failed');
      this.#context.log.warn({ err: cause, what: 'push_failed', user: user.bare }, 'no notification');
    }
  }
}

function isOf(
  { service, node }: PushSubscription,
  [otherService, otherNode]: readonly [string, string],
): boolean {
  return service === otherService && node === otherNode;
}
