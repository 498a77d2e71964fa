import {
  type Accumulator,
  type Jid,
  type ModuleContext,
  type PushEventAcc,
  type PushedEvent,
  StanzaKind,
} from '../module.ts';
import { type Interest, WANTED } from './backend.ts';

type ChatType = Extract<PushedEvent, { kind: 'chat' }>['type'];

/** The types of messages that events tell of. Without one, or of one that nobody knows, it is normal (RFC 6121 §5.2.2). */
function chatType(type: string | undefined): ChatType | undefined {
  switch (type) {
    case 'chat':
    case 'groupchat':
    case 'headline':
      return type;
    case 'error':
      return undefined;
    default:
      return 'normal';
  }
}

/** Makes events of what hooks tell, and gives them to whoever hears of them (`push_event`). */
export class Events {
  readonly #context: ModuleContext;
  readonly #interests: ReadonlySet<Interest>;

  /** `interests`: those of the module's own backends. */
  constructor(context: ModuleContext, interests: ReadonlySet<Interest>) {
    this.#context = context;
    this.#interests = interests;
  }

  /** A message entered (`in`) or is about to be delivered (`out`). A promise only if a handler of push_event makes one. */
  message(acc: Accumulator, direction: 'in' | 'out'): undefined | Promise<undefined> {
    const packet = acc.stanza!;
    if (packet.kind !== StanzaKind.MESSAGE || !this.#isHeard(direction === 'in' ? 'sent' : 'delivered'))
      return undefined;
    const type = chatType(packet.type);
    if (type === undefined) return undefined;
    // Notifications set it to true, if the event comes to them.
    if (direction === 'out' && this.#interests.has('unacknowledged')) acc.set(...WANTED, false);
    return this.#push(acc, { kind: 'chat', type, direction, from: acc.from, to: acc.to, packet });
  }

  status(acc: Accumulator, jid: Jid, status: 'online' | 'offline'): undefined | Promise<undefined> {
    if (!this.#isHeard('status')) return undefined;
    return this.#push(acc, { kind: 'user_status', jid, status });
  }

  unacknowledged(acc: Accumulator, to: Jid): undefined | Promise<undefined> {
    if (!this.#isHeard('unacknowledged')) return undefined;
    return this.#push(acc, { kind: 'unack_msg', to });
  }

  #isHeard(interest: Interest): boolean {
    return this.#interests.has(interest) || this.#context.hasOtherHandlers('push_event');
  }

  #push(acc: Accumulator, event: PushedEvent): undefined | Promise<undefined> {
    const result = this.#context.foldHook('push_event', { acc, metadata: {} }, { event });
    return result instanceof Promise ? result.then(settle) : settle(result);
  }
}

/** What receivers have noted about the message goes with it. */
function settle({ acc }: PushEventAcc): undefined {
  acc.makePermanent('event_pusher');
}
