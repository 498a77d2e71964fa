import type { Jid, MessageBroker, ModuleContext, PushEventAcc, PushedEvent } from '../module.ts';
import { type Backend, bodyOf, isAgain } from './backend.ts';
import type { MessageExchange, RabbitOptions } from './options.ts';

const POOL_TAG = 'event_pusher';

type ChatEvent = Extract<PushedEvent, { kind: 'chat' }>;

/** Tells RabbitMQ who comes and goes, and of messages with a text that are sent and delivered. */
export class RabbitBackend implements Backend {
  readonly interests = ['sent', 'delivered', 'status'] as const;
  readonly #options: RabbitOptions;
  readonly #broker: MessageBroker;

  constructor(context: ModuleContext, options: RabbitOptions) {
    this.#options = options;
    this.#broker = context.rabbit(POOL_TAG);
    for (const exchange of Object.values(options)) {
      if (exchange === undefined) continue;
      const { name, type, durable } = exchange;
      this.#broker.declare({ name, type, isDurable: durable });
    }
  }

  event(event: PushedEvent, { acc, metadata }: PushEventAcc): undefined {
    switch (event.kind) {
      case 'user_status':
        this.#status(event.jid, event.status === 'online', metadata);
        return;
      case 'chat':
        if (!isAgain(acc)) this.#chat(event, metadata);
        return;
      default:
    }
  }

  #status(jid: Jid, present: boolean, metadata: PushEventAcc['metadata']): void {
    const exchange = this.#options.presence_exchange;
    if (exchange === undefined) return;
    this.#publish(exchange.name, jid.bare, { user_id: jid.full, present, ...metadata });
  }

  #chat(event: ChatEvent, metadata: PushEventAcc['metadata']): void {
    const exchange = this.#exchangeOf(event);
    if (exchange === undefined) return;
    const message = bodyOf(event.packet);
    if (message === undefined) return;
    const { from, to, direction } = event;
    const key =
      direction === 'in' ? `${from.bare}.${exchange.sent_topic}` : `${to.bare}.${exchange.recv_topic}`;
    const content = { from_user_id: from.full, to_user_id: to.full, message, ...metadata };
    this.#publish(exchange.name, key, content);
  }

  #exchangeOf({ type }: ChatEvent): MessageExchange | undefined {
    if (type === 'chat') return this.#options.chat_msg_exchange;
    return type === 'groupchat' ? this.#options.groupchat_msg_exchange : undefined;
  }

  #publish(exchange: string, routingKey: string, content: object): void {
    this.#broker.publish({ exchange, routingKey, content: Buffer.from(JSON.stringify(content)) });
  }
}
