import { type Channel, type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import type { RabbitPoolConfig } from '../config/config.ts';
import { monotonicMs } from '../util/monotonic.ts';
import type { PoolLog } from './calls.ts';
import { MessageQueue, type RabbitMessage } from './message-queue.ts';
import { tlsOptions } from './tls.ts';

/** What waits in one connection takes no more than this, its texts in bytes. */
const WAITING_BYTES_MAX = 16 * 1_048_576;
/** Messages that RabbitMQ may leave unconfirmed before the next ones wait. */
const UNCONFIRMED_MAX = 1_000;
/** Seconds between signs of life; a server that misses two is gone. */
const HEARTBEAT_S = 10;
/** Of what the server says: nothing that was asked for is long (T63). */
const FRAME_BYTES_MAX = 131_072;

/** An exchange that is declared whenever a connection is opened: one that is not durable is gone when RabbitMQ was started anew. */
export interface RabbitExchange {
  readonly name: string;
  readonly type: string;
  readonly isDurable: boolean;
}

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
  /** Sent and not confirmed yet, the oldest first; empty without confirmations. */
  readonly #unconfirmed = new Map<RabbitMessage, number>();
  #model: ChannelModel | undefined = undefined;
  #channel: Channel | undefined = undefined;
  /** Whether the library, or RabbitMQ, wants no more for the moment. */
  #isFull = false;
  #isBlocked = false;
  #isClosed = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined = undefined;
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
    const dropped = this.#waiting.push(message, this.#unconfirmed.size);
    if (dropped > 0) this.#around.count('dropped', dropped);
    this.#flush();
  }

  /** An exchange was added. */
  declare(exchange: RabbitExchange): void {
    const channel = this.#channel;
    if (channel === undefined) return;
    assert(channel, exchange).catch((cause: Error) => this.#lost(channel, cause));
  }

  /** Ends it; what waits is dropped. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#around.count('dropped', this.length);
    this.#waiting.clear();
    this.#unconfirmed.clear();
    this.#leave();
  }

  async #open(): Promise<void> {
    const { config, exchanges, count } = this.#around;
    let model: ChannelModel | undefined;
    try {
      model = await this.#connect();
      if (this.#isClosed) {
        void model.close().catch(ignore);
        return;
      }
      this.#model = model;
      const channel = await (config.isConfirmed ? model.createConfirmChannel() : model.createChannel());
      channel.on('error', (cause: Error) => this.#lost(channel, cause));
      channel.on('close', () => this.#lost(channel, new Error('the channel was closed')));
      channel.on('drain', () => {
        this.#isFull = false;
        this.#flush();
      });
      for (const exchange of exchanges) await assert(channel, exchange);
      if (this.#isClosed) return;
      this.#channel = channel;
      count('connections_opened');
      this.#up();
      this.#flush();
    } catch (cause) {
      if (this.#isClosed) return;
      count('connections_failed');
      this.#leave();
      this.#down(cause as Error);
    }
  }

  /** A connection, within the time that a call may take. */
  async #connect(): Promise<ChannelModel> {
    const { name, host, port, username, password, virtualHost, callTimeoutMs, tls } = this.#around.config;
    const where = {
      protocol: tls === undefined ? 'amqp' : 'amqps',
      hostname: host,
      port,
      username,
      password,
      vhost: encodeURIComponent(virtualHost),
      heartbeat: HEARTBEAT_S,
      maxFrameSize: FRAME_BYTES_MAX,
    };
    const socket = {
      noDelay: true,
      timeout: callTimeoutMs,
      clientProperties: { connection_name: 'meerkat' },
    };
    const opening = connect(where, tls === undefined ? socket : { ...tlsOptions(tls), ...socket });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        opening.then((model) => model.close()).catch(ignore);
        reject(new Error(`${name} did not open a connection within ${callTimeoutMs} ms`));
      }, callTimeoutMs);
    });
    let model: ChannelModel;
    try {
      model = await Promise.race([opening, late]);
    } finally {
      clearTimeout(timer);
    }
    // Whatever it is, the channel hears of it, too; but an error that nobody listens to ends the thread.
    model.on('error', ignore);
    model.on('close', (cause?: Error) => {
      if (this.#model === model) this.#lost(this.#channel, cause ?? new Error('the connection was closed'));
    });
    model.on('blocked', () => {
      this.#isBlocked = true;
    });
    model.on('unblocked', () => {
      this.#isBlocked = false;
      this.#flush();
    });
    return model;
  }

  #flush(): void {
    while (this.#channel !== undefined && !this.#isFull && !this.#isBlocked) {
      if (this.#unconfirmed.size >= UNCONFIRMED_MAX) return;
      const message = this.#waiting.shift();
      if (message === undefined) return;
      try {
        this.#send(this.#channel, message);
      } catch (cause) {
        this.#lost(this.#channel, cause as Error);
        return;
      }
      this.#around.count('published');
    }
  }

  #send(channel: Channel, message: RabbitMessage): void {
    const { exchange, routingKey, content } = message;
    if (this.#around.config.isConfirmed) this.#sendConfirmed(channel as ConfirmChannel, message);
    else this.#isFull = !channel.publish(exchange, routingKey, content, OPTIONS);
  }

  #sendConfirmed(channel: ConfirmChannel, message: RabbitMessage): void {
    this.#unconfirmed.set(message, monotonicMs());
    this.#watch();
    const { exchange, routingKey, content } = message;
    this.#isFull = !channel.publish(exchange, routingKey, content, OPTIONS, (error: Error | null) => {
      // A channel that was closed says so of all its messages: they are sent again.
      if (error !== null && error.message !== NACKED) return;
      if (channel !== this.#channel || !this.#unconfirmed.delete(message)) return;
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
        this.#lost(this.#channel, new Error(`no confirmation came within ${callTimeoutMs} ms`));
      }
    }, callTimeoutMs);
    this.#confirmTimer.unref();
  }

  /** The channel, or what it is in, is of no use any more. */
  #lost(channel: Channel | undefined, cause: Error): void {
    if (this.#isClosed || channel === undefined || channel !== this.#channel) return;
    this.#around.count('connections_closed');
    this.#leave();
    const dropped = this.#waiting.putBack([...this.#unconfirmed.keys()]);
    if (dropped > 0) this.#around.count('dropped', dropped);
    this.#unconfirmed.clear();
    this.#down(cause);
  }

  #leave(): void {
    const model = this.#model;
    this.#model = undefined;
    this.#channel = undefined;
    this.#isFull = false;
    this.#isBlocked = false;
    clearTimeout(this.#confirmTimer);
    this.#confirmTimer = undefined;
    if (model === undefined) return;
    // A server that does not answer would be waited for by the library.
    const { stream } = model.connection as unknown as { stream?: { destroy(): void } };
    const timer = setTimeout(() => stream?.destroy(), this.#around.config.callTimeoutMs);
    timer.unref();
    model.close().then(
      () => clearTimeout(timer),
      () => stream?.destroy(),
    );
  }

  #down(cause: Error): void {
    const { config, log, count } = this.#around;
    this.#failures++;
    if (this.#failures === 1) {
      const fields = { what: 'outgoing_pool_down', pool: config.name, cause: cause.message.slice(0, 500) };
      log.warn(fields, 'RabbitMQ does not take messages; those of now wait');
    }
    if (config.reconnectAttempts > 0 && this.#failures % config.reconnectAttempts === 0) {
      count('dropped', this.#waiting.length);
      this.#waiting.clear();
    }
    this.#timer = setTimeout(() => void this.#open(), config.reconnectDelayMs);
    this.#timer.unref();
  }

  #up(): void {
    const { config, log } = this.#around;
    if (this.#failures > 0)
      log.info({ what: 'outgoing_pool_up', pool: config.name }, 'RabbitMQ takes messages again');
    this.#failures = 0;
  }
}

/** What the library says of a message that RabbitMQ could not take; a test with a real one watches over this. */
const NACKED = 'message nacked';
const OPTIONS = { contentType: 'application/json' };

async function assert(channel: Channel, { name, type, isDurable }: RabbitExchange): Promise<void> {
  await channel.assertExchange(name, type, { durable: isDurable });
}

function ignore(): void {}
