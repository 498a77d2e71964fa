import type { Socket } from 'node:net';
import type { ShardLoad } from '../acceptor/placement.ts';
import type { FromShard, ShardBoot, ToShard } from '../shard/boot.ts';
import { giveAway } from '../util/owned-socket.ts';
import { Thread } from './thread.ts';

/** What the owner of a shard hears. */
export interface ShardEvents {
  ready(shard: ShardHandle): void;
  ended(shard: ShardHandle, cause: Error | undefined): void;
  message(shard: ShardHandle, message: FromShard): void;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (cause: Error) => void;
}

/** What ending in order may take. */
const STOP_MS_MAX = 1_000;

/** The shard ended before it answered. */
export class ShardLostError extends Error {}

/** One shard as the main thread sees it. */
export class ShardHandle implements ShardLoad {
  readonly shard: number;
  isReady = false;
  /** The server stops: its connections have ended, and nothing that they left is under way. */
  isDrained = false;
  readonly #thread: Thread;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  /** Connections handed over and not ended. */
  readonly #open = new Map<string, number>();
  #connections = 0;
  #hasEnded = false;
  #whenEnded: (() => void) | undefined;

  constructor(entry: URL, boot: ShardBoot, events: ShardEvents) {
    this.shard = boot.shard;
    this.#thread = new Thread(entry, boot, `shard ${boot.shard}`, {
      message: (message) => this.#received(message as FromShard, events),
      ended: (cause) => {
        this.isReady = false;
        this.#hasEnded = true;
        this.#whenEnded?.();
        const lost = new ShardLostError(`shard ${this.shard} ended`, { cause });
        for (const { reject } of this.#pending.values()) reject(lost);
        this.#pending.clear();
        events.ended(this, cause);
      },
    });
  }

  connections(): number {
    return this.#connections;
  }

  /**
   * Hands a fresh socket over. From then on no byte of it passes the main thread. False when that was not possible: then it is closed, and does not
   * count. What has been handed over counts until the shard tells of its end, or ends itself.
   */
  accept(socket: Socket, listener: number, address: string, port: number): boolean {
    const isGone = giveAway(socket, () =>
      this.#thread.post({ kind: 'connection', listener, address, port, socket }, [socket as never]),
    );
    if (isGone) this.#count(listener, address, 1);
    return isGone;
  }

  /** Connections that a dead shard took with it: listener, address and number. */
  openConnections(): [listener: number, address: string, count: number][] {
    return [...this.#open].map(([key, count]) => {
      const space = key.indexOf(' ');
      return [Number(key.slice(0, space)), key.slice(space + 1), count];
    });
  }

  tell(message: ToShard): void {
    if (!this.#hasEnded) this.#thread.post(message);
  }

  /** Runs a command on the shard. */
  request(command: string, args: unknown = {}): Promise<unknown> {
    if (this.#hasEnded) return Promise.reject(new ShardLostError(`shard ${this.shard} ended`));
    const id = this.#nextId++;
    this.#thread.post({ kind: 'request', id, command, args });
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
  }

  /** Ends the shard in order; one that does not listen is killed. */
  async stop(): Promise<void> {
    if (this.#hasEnded) return;
    const ended = new Promise<void>((resolve) => {
      this.#whenEnded = resolve;
    });
    this.#thread.post({ kind: 'stop' });
    const timer = setTimeout(() => void this.#thread.kill(), STOP_MS_MAX);
    await ended;
    clearTimeout(timer);
  }

  kill(): Promise<number> {
    return this.#thread.kill();
  }

  #received(message: FromShard, events: ShardEvents): void {
    switch (message.kind) {
      case 'ready':
        this.isReady = true;
        events.ready(this);
        break;
      case 'reply': {
        const pending = this.#pending.get(message.id);
        this.#pending.delete(message.id);
        if (message.error === undefined) pending?.resolve(message.value);
        else pending?.reject(new Error(message.error));
        break;
      }
      case 'connection_closed':
        this.#count(message.listener, message.address, -1);
        events.message(this, message);
        break;
      default:
        events.message(this, message);
    }
  }

  #count(listener: number, address: string, change: number): void {
    this.#connections += change;
    const key = `${listener} ${address}`;
    const count = (this.#open.get(key) ?? 0) + change;
    if (count > 0) this.#open.set(key, count);
    else this.#open.delete(key);
  }
}
