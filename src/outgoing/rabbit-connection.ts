import type { Channel, ChannelModel } from 'amqplib';
import type { RabbitPoolConfig } from '../config/config.ts';
import { tlsOptions } from './tls.ts';

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

/** A connection with the one channel on it. */
export interface RabbitConnection {
  readonly channel: Channel;
  /** Ends it, whether or not the server still answers. Once is enough. */
  close(): void;
}

/** What happens on an open connection. */
export interface RabbitEvents {
  /** It is of no use any more. May be told more than once. */
  lost(cause: Error): void;
  /** The server takes no messages for the moment, or takes them again. */
  blocked(isBlocked: boolean): void;
}

/**
 * It is loaded when the first pool needs it (8 MiB in each shard, and 50 ms), and not installed by everybody: few servers talk to RabbitMQ.
 */
async function clientLibrary(): Promise<typeof import('amqplib')> {
  try {
    return await import('amqplib');
  } catch (cause) {
    throw new Error('RabbitMQ needs a package that is not installed: npm install amqplib', { cause });
  }
}

/**
 * Opens a connection with a channel and declares the exchanges, all within the time that a call may take. Rejects with what went wrong, and leaves nothing behind
 * then.
 */
export async function openRabbit(
  config: RabbitPoolConfig,
  exchanges: Iterable<RabbitExchange>,
  events: RabbitEvents,
): Promise<RabbitConnection> {
  const { name, callTimeoutMs } = config;
  const { connect } = await clientLibrary();
  const opening = connect(whereIs(config), socketOptions(config));
  let end = (): void => void opening.then((model) => closeModel(model, callTimeoutMs), ignore);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const message = `${name} did not open a connection within ${callTimeoutMs} ms`;
    timer = setTimeout(() => reject(new Error(message)), callTimeoutMs);
  });
  const open = async (): Promise<RabbitConnection> => {
    const model = await opening;
    end = () => closeModel(model, callTimeoutMs);
    listen(model, events);
    const channel = await (config.isConfirmed ? model.createConfirmChannel() : model.createChannel());
    channel.on('error', (cause: Error) => events.lost(cause));
    channel.on('close', () => events.lost(new Error('the channel was closed')));
    for (const exchange of exchanges) await declareExchange(channel, exchange);
    return { channel, close: () => end() };
  };
  try {
    return await Promise.race([open(), late]);
  } catch (cause) {
    end();
    throw cause;
  } finally {
    clearTimeout(timer);
  }
}

export async function declareExchange(
  channel: Channel,
  { name, type, isDurable }: RabbitExchange,
): Promise<void> {
  await channel.assertExchange(name, type, { durable: isDurable });
}

function whereIs({ host, port, username, password, virtualHost, tls }: RabbitPoolConfig) {
  return {
    protocol: tls === undefined ? 'amqp' : 'amqps',
    hostname: host,
    port,
    username,
    password,
    // The library takes it for a part of a URL.
    vhost: encodeURIComponent(virtualHost),
    heartbeat: HEARTBEAT_S,
    maxFrameSize: FRAME_BYTES_MAX,
  };
}

function socketOptions({ callTimeoutMs, tls }: RabbitPoolConfig) {
  return {
    ...(tls === undefined ? {} : tlsOptions(tls)),
    noDelay: true,
    timeout: callTimeoutMs,
    clientProperties: { connection_name: 'meerkat' },
  };
}

/** An error that nobody listens to would end the thread. */
function listen(model: ChannelModel, events: RabbitEvents): void {
  model.on('error', (cause: Error) => events.lost(cause));
  model.on('close', (cause?: Error) => events.lost(cause ?? new Error('the connection was closed')));
  model.on('blocked', () => events.blocked(true));
  model.on('unblocked', () => events.blocked(false));
}

/** The library would wait for a server that does not answer. */
function closeModel(model: ChannelModel, timeoutMs: number): void {
  const { stream } = model.connection as unknown as { stream?: { destroy(): void } };
  const timer = setTimeout(() => stream?.destroy(), timeoutMs);
  timer.unref();
  model.close().then(
    () => clearTimeout(timer),
    () => {
      clearTimeout(timer);
      stream?.destroy();
    },
  );
}

function ignore(): void {}
