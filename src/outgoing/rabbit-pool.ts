import type { RabbitPoolConfig } from '../config/config.ts';
import type { PoolLog } from './calls.ts';
import type { RabbitMessage } from './message-queue.ts';
import type { RabbitExchange } from './rabbit-connection.ts';
import { type RabbitEvent, RabbitLink } from './rabbit-link.ts';

/** A routing key has a length of one byte on the wire (AMQP 0-9-1 §4.2.5.3). */
const ROUTING_KEY_BYTES_MAX = 255;

export type { RabbitExchange, RabbitMessage };

/** A few connections to RabbitMQ. What has the same routing key goes over the same one, and so in order. Nothing is waited for. */
export class RabbitPool {
  readonly #config: RabbitPoolConfig;
  readonly #log: PoolLog;
  readonly #count: (event: RabbitEvent, by: number) => void;
  readonly #exchanges = new Map<string, RabbitExchange>();
  #links: RabbitLink[] | undefined = undefined;

  /** `count` hears what happens: how many messages were sent, dropped and so on. */
  constructor(config: RabbitPoolConfig, log: PoolLog, count: (event: RabbitEvent, by: number) => void) {
    this.#config = config;
    this.#log = log;
    this.#count = count;
  }

  /** Messages that wait or are not confirmed. */
  get length(): number {
    return (this.#links ?? []).reduce((sum, link) => sum + link.length, 0);
  }

  /**
   * Declares an exchange, now and on every new connection until the returned function is called. Of two with one name the latter counts. Connects, if nobody has
   * yet.
   */
  declare(exchange: RabbitExchange): () => void {
    const { name } = exchange;
    this.#exchanges.set(name, exchange);
    if (this.#links === undefined) this.#links = this.#makeLinks();
    else for (const link of this.#links) link.declare(exchange);
    return () => {
      if (this.#exchanges.get(name) === exchange) this.#exchanges.delete(name);
    };
  }

  /** Sends a message when that is possible. One that RabbitMQ could not take, for its routing key is too long, is dropped and counted. */
  publish(message: RabbitMessage): void {
    if (Buffer.byteLength(message.routingKey) > ROUTING_KEY_BYTES_MAX) {
      this.#count('refused', 1);
      return;
    }
    this.#links ??= this.#makeLinks();
    this.#links[hashOf(message.routingKey) % this.#links.length]!.publish(message);
  }

  close(): void {
    for (const link of this.#links ?? []) link.close();
    this.#links = [];
  }

  #makeLinks(): RabbitLink[] {
    const { workers, queueMax } = this.#config;
    const around = {
      config: this.#config,
      log: this.#log,
      exchanges: { [Symbol.iterator]: () => this.#exchanges.values() },
      count: (event: RabbitEvent, by = 1) => this.#count(event, by),
    };
    const waitingMax = Math.max(1, Math.floor(queueMax / workers));
    return Array.from({ length: workers }, () => new RabbitLink(around, waitingMax));
  }
}

function hashOf(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) >>> 0;
  return hash;
}
