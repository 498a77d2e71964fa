import type { ConfirmChannel } from 'amqplib';
import type { RabbitPoolConfig } from '../config/config.ts';
import { monotonicMs } from '../util/monotonic.ts';
import type { PoolLog } from './calls.ts';
import { MessageQueue, type RabbitMessage } from './message-queue.ts';
import {
  declareExchange,
  openRabbit,
  type RabbitConnection,
  type RabbitExchange,
} from './rabbit-connection.ts';

/** What waits in one connection takes no more than this, its texts in bytes. */
const WAITING_BYTES_MAX = 16 * 1_048_576;
/** Messages that RabbitMQ may leave unconfirmed before the next ones wait. */
const UNCONFIRMED_MAX = 1_000;
const CAUSE_LENGTH_MAX = 500;

const OPTIONS = { contentType: 'application/json' };
/** What the library says of a message that RabbitMQ could not take. */
const NACKED = 'message nacked';

/** What a link counts. */
export type RabbitEvent =
  | 'connections_opened'
  | 'connections_closed'
  | 'connections_failed'
  | 'published'
  | 'confirmed'
  | 'refused'
  | 'timeout'
  | 'dropped';

export interface LinkSurroundings {
  readonly config: RabbitPoolConfig;
  readonly log: PoolLog;
  readonly exchanges: Iterable<RabbitExchange>;
  count(event: RabbitEvent, by?: number): void;
}

/**
 * One connection to RabbitMQ, opened anew whenever it is lost, and what waits to be sent on it: so many messages and bytes, beyond which the oldest goes. In order, as
 * long as none has to be sent again.
 */
export class RabbitLink {
  readonly #around: LinkSurroundings;
  readonly #waiting: MessageQueue;
  /** Sent and not confirmed yet, the oldest first, with the time of sending; empty without confirmations. */
  readonly #unconfirmed = new Map<RabbitMessage, number>();
  #connection: RabbitConnection | undefined = undefined;
  /** Whether the library, or RabbitMQ, wants no more for the moment. */
  #isFull = false;
  #isBlocked = false;
  #isClosed = false;
  #failures = 0;
  #retryTimer: NodeJS.Timeout | undefined = undefined;
  #confirmTimer: NodeJS.Timeout | undefined = undefined;

  constructor(around: LinkSurroundings, waitingMax: number) {
    this.#around = around;
    this.#waiting = new MessageQueue(waitingMax, WAITING_BYTES_MAX);
    void this.#open();
  }

  /** Messages that wait or are not confirmed. */
  get length(): number {
    return this.#waiting.length + this.#unconfirmed.size;
  }

  publish(message: RabbitMessage): void {
    this.#dropped(this.#waiting.push(message, this.#unconfirmed.size));
    this.#flush();
  }

  /** An exchange was added. */
  declare(exchange: RabbitExchange): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    declareExchange(connection.channel, exchange).catch((cause: Error) => this.#lost(connection, cause));
  }

  /** Ends it; what waits is dropped. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    this.#dropped(this.length);
    this.#waiting.clear();
    this.#unconfirmed.clear();
    this.#leave();
  }

  /** Never rejects. */
  async #open(): Promise<void> {
    const { config, exchanges, count } = this.#around;
    let connection: RabbitConnection | undefined;
    try {
      connection = await openRabbit(config, exchanges, {
        lost: (cause) => this.#lost(connection, cause),
        blocked: (isBlocked) => {
          this.#isBlocked = isBlocked;
          this.#flush();
        },
      });
      if (this.#isClosed) connection.close();
      else this.#opened(connection);
    } catch (cause) {
      if (this.#isClosed) return;
      count('connections_failed');
      this.#down(cause as Error);
    }
  }

  #opened(connection: RabbitConnection): void {
    const { config, log, count } = this.#around;
    this.#connection = connection;
    connection.channel.on('drain', () => {
      this.#isFull = false;
      this.#flush();
    });
    count('connections_opened');
    if (this.#failures > 0)
      log.info({ what: 'outgoing_pool_up', pool: config.name }, 'RabbitMQ takes messages again');
    this.#failures = 0;
    this.#flush();
  }

  #flush(): void {
    while (this.#connection !== undefined && !this.#isFull && !this.#isBlocked) {
      if (this.#unconfirmed.size >= UNCONFIRMED_MAX) return;
      const message = this.#waiting.shift();
      if (message === undefined) return;
      try {
        this.#send(this.#connection, message);
      } catch (cause) {
        this.#lost(this.#connection, cause as Error);
        return;
      }
      this.#around.count('published');
    }
  }

  #send(connection: RabbitConnection, message: RabbitMessage): void {
    const { exchange, routingKey, content } = message;
    if (this.#around.config.isConfirmed) this.#sendConfirmed(connection, message);
    else this.#isFull = !connection.channel.publish(exchange, routingKey, content, OPTIONS);
  }

  #sendConfirmed(connection: RabbitConnection, message: RabbitMessage): void {
    const channel = connection.channel as ConfirmChannel;
    const { exchange, routingKey, content } = message;
    this.#unconfirmed.set(message, monotonicMs());
    this.#watch();
    this.#isFull = !channel.publish(exchange, routingKey, content, OPTIONS, (error: Error | null) => {
      // A channel that was closed says so of all its messages: they are sent again.
      if (error !== null && error.message !== NACKED) return;
      if (connection !== this.#connection || !this.#unconfirmed.delete(message)) return;
      this.#around.count(error === null ? 'confirmed' : 'refused');
      this.#flush();
    });
  }

  /** Looks after a while whether the oldest message was confirmed. */
  #watch(): void {
    const { callTimeoutMs } = this.#around.config;
    if (this.#confirmTimer !== undefined) return;
    this.#confirmTimer = setTimeout(() => {
      this.#confirmTimer = undefined;
      const [sentMs] = this.#unconfirmed.values();
      if (sentMs === undefined) return;
      if (monotonicMs() - sentMs < callTimeoutMs) this.#watch();
      else {
        this.#around.count('timeout');
        this.#lost(this.#connection, new Error(`no confirmation came within ${callTimeoutMs} ms`));
      }
    }, callTimeoutMs);
    this.#confirmTimer.unref();
  }

  /** The connection is of no use any more. */
  #lost(connection: RabbitConnection | undefined, cause: Error): void {
    if (this.#isClosed || connection === undefined || connection !== this.#connection) return;
    this.#around.count('connections_closed');
    this.#leave();
    this.#dropped(this.#waiting.putBack([...this.#unconfirmed.keys()]));
    this.#unconfirmed.clear();
    this.#down(cause);
  }

  #leave(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#isFull = false;
    this.#isBlocked = false;
    clearTimeout(this.#confirmTimer);
    this.#confirmTimer = undefined;
    connection?.close();
  }

  #down(cause: Error): void {
    const { config, log } = this.#around;
    this.#failures++;
    if (this.#failures === 1) {
      const text = cause.message.slice(0, CAUSE_LENGTH_MAX);
      const fields = { what: 'outgoing_pool_down', pool: config.name, cause: text };
      log.warn(fields, 'RabbitMQ does not take messages; those of now wait');
    }
    if (config.reconnectAttempts > 0 && this.#failures % config.reconnectAttempts === 0) {
      this.#dropped(this.#waiting.length);
      this.#waiting.clear();
    }
    this.#retryTimer = setTimeout(() => void this.#open(), config.reconnectDelayMs);
    this.#retryTimer.unref();
  }

  #dropped(count: number): void {
    if (count > 0) this.#around.count('dropped', count);
  }
}
