import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Channel, type ChannelModel, connect } from 'amqplib';
import { type DaemonTls, freePort, listens, missingDaemon, whenAnswering } from './daemon.ts';

/** RabbitMQ's server, from Debian's package `rabbitmq-server`. Those of the same name in `/usr/sbin` want to be root. */
const PROGRAM = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const CONTROL = '/usr/lib/rabbitmq/bin/rabbitmqctl';
const EPMD = '/usr/bin/epmd';

/** Why there can be no RabbitMQ on this machine. */
export function rabbitMissing(): string | undefined {
  return missingDaemon('RabbitMQ', 'rabbitmq-server', [PROGRAM, EPMD]);
}

/** A message as a consumer got it. */
export interface Consumed {
  readonly exchange: string;
  readonly key: string;
  readonly content: unknown;
}

/** A real RabbitMQ on free ports of 127.0.0.1, with a directory, and a directory of Erlang's nodes, of its own. */
export class Rabbit {
  readonly #directory = mkdtempSync(join(tmpdir(), 'mk-rabbit-'));
  readonly #name = `mk${randomBytes(6).toString('hex')}`;
  #epmd!: ChildProcess;
  #child!: ChildProcess;
  #epmdPort = 0;
  #distPort = 0;
  #model: ChannelModel | undefined;
  port = 0;
  tlsPort = 0;

  private constructor(tlsPort: number, tls: DaemonTls | undefined) {
    this.tlsPort = tlsPort;
    for (const name of ['db', 'log']) mkdirSync(join(this.#directory, name));
    writeFileSync(join(this.#directory, 'plugins'), '[].');
    const lines =
      tls === undefined
        ? []
        : [
            `listeners.ssl.1 = 127.0.0.1:${tlsPort}`,
            `ssl_options.certfile = ${tls.certfile}`,
            `ssl_options.keyfile = ${tls.keyfile}`,
          ];
    writeFileSync(join(this.#directory, 'rabbit.conf'), `${lines.join('\n')}\n`);
    writeFileSync(join(this.#directory, '.erlang.cookie'), randomBytes(12).toString('hex'), { mode: 0o400 });
  }

  static async start(tls?: DaemonTls): Promise<Rabbit> {
    const rabbit = new Rabbit(await freePort(), tls);
    rabbit.port = await freePort();
    rabbit.#epmdPort = await freePort();
    rabbit.#distPort = await freePort();
    rabbit.#epmd = spawn(EPMD, ['-address', '127.0.0.1', '-port', String(rabbit.#epmdPort)], {
      stdio: 'ignore',
    });
    await rabbit.launch();
    return rabbit;
  }

  get #env(): NodeJS.ProcessEnv {
    const directory = this.#directory;
    return {
      PATH: '/usr/bin:/bin',
      HOME: directory,
      HOSTNAME: 'localhost',
      ERL_EPMD_PORT: String(this.#epmdPort),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: `${this.#name}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: String(this.port),
      RABBITMQ_DIST_PORT: String(this.#distPort),
      RABBITMQ_MNESIA_BASE: join(directory, 'db'),
      RABBITMQ_LOG_BASE: join(directory, 'log'),
      RABBITMQ_LOGS: join(directory, 'log', 'rabbit.log'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'plugins'),
      RABBITMQ_CONFIG_FILE: join(directory, 'rabbit.conf'),
      RABBITMQ_CONF_ENV_FILE: join(directory, 'none'),
      RABBITMQ_PID_FILE: join(directory, 'pid'),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}',
    };
  }

  /** Starts it (again), on the same ports. What is not durable is gone. */
  async launch(): Promise<void> {
    const child = spawn(PROGRAM, [], {
      stdio: 'ignore',
      // A group of its own: the program is a script, and what it starts must end with it.
      detached: true,
      env: this.#env,
    });
    this.#child = child;
    await whenAnswering(
      child,
      () => this.#answers(),
      () => `RabbitMQ did not start: ${this.#log()}`,
    );
  }

  /** The pool that reaches it. */
  pool(tag: string, connection = '', lines = ''): string {
    return `[outgoing_pools.rabbit.${tag}]
      ${lines}
      [outgoing_pools.rabbit.${tag}.connection]
        host = "127.0.0.1"
        port = ${this.port}
        ${connection}
    `;
  }

  /** A channel of the test's own. */
  async channel(): Promise<Channel> {
    if (this.#model === undefined) {
      this.#model = await connect({ hostname: '127.0.0.1', port: this.port });
      this.#model.on('error', () => {});
    }
    const channel = await this.#model.createChannel();
    channel.on('error', () => {});
    return channel;
  }

  /** Consumes all that an exchange is sent. The exchange must be there. */
  async consumer(exchange: string, pattern = '#'): Promise<Consumer> {
    const channel = await this.channel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, exchange, pattern);
    const consumer = new Consumer();
    await channel.consume(
      queue,
      (message) => {
        if (message === null) return;
        const { exchange: name, routingKey: key } = message.fields;
        consumer.add({ exchange: name, key, content: JSON.parse(message.content.toString()) });
      },
      { noAck: true },
    );
    return consumer;
  }

  /** Lets it believe that its memory is full, or has room again: until then it takes no messages. */
  async exhaust(isFull: boolean): Promise<void> {
    const share = isFull ? '0' : '0.4';
    await promisify(execFile)(CONTROL, ['set_vm_memory_high_watermark', share], { env: this.#env });
  }

  /** Stops all of it without closing anything, until `SIGCONT`. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    process.kill(-this.#child.pid!, name);
  }

  /** Ends it without warning. */
  async kill(): Promise<void> {
    this.#model = undefined;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    process.kill(-this.#child.pid!, 'SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.#model?.close().catch(() => {});
    await this.kill();
    this.#epmd.kill('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    if (!(await listens(this.port))) return false;
    try {
      const model = await connect({ hostname: '127.0.0.1', port: this.port });
      await model.close();
      return true;
    } catch {
      return false;
    }
  }

  #log(): string {
    const file = join(this.#directory, 'log', 'rabbit.log');
    return existsSync(file) ? readFileSync(file, 'utf8').slice(-4_000) : 'it wrote no log';
  }
}

/** What one consumer got. */
export class Consumer {
  readonly #messages: Consumed[] = [];
  #wake: (() => void) | undefined;

  add(message: Consumed): void {
    this.#messages.push(message);
    this.#wake?.();
  }

  /** The next one; the test's own time limit is how long it may take. */
  async next(): Promise<Consumed> {
    while (this.#messages.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#messages.shift()!;
  }
}
