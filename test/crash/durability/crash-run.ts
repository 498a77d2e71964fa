import { join } from 'node:path';
import { partitionOf } from '../../../src/store/partitions/pair.ts';
import { openReader } from '../../../src/store/sqlite/database.ts';
import { Dice } from '../../fuzz/dice.ts';
import { expectNothingUnderWay } from '../../helpers/conservation.ts';
import { TestServer } from '../../helpers/server.ts';
import { type Direction, judge, type Verdict } from './ledger.ts';
import { type Habit, Reader } from './reader.ts';
import { Sender } from './sender.ts';

/** What happens at the end of a round. */
export type Blow =
  | 'process'
  | 'process before a commit'
  | 'process in a commit'
  | 'process after a commit'
  | 'shard'
  | 'store'
  | 'store with writes in flight';

export interface CrashRunOptions {
  readonly seed: number;
  readonly rounds: number;
  /** For each pair its receiver's habit. */
  readonly habits: readonly Habit[];
  /** One of these at a time. */
  readonly blows: readonly Blow[];
  /** More TOML. */
  readonly toml?: string;
  /** Files that the archive is in. */
  readonly partitions?: number;
}

export interface Strike {
  readonly blow: Blow;
  /** `shard 1`, `store`; undefined: the whole process, as it was. */
  readonly thread: string | undefined;
  /** `performance.now()` when it had been done. */
  readonly at: number;
}

const SHARDS = 2;
const PAUSE_MS = 5;
/** A sender is so far ahead of its reader at most: more would not fit into what is stored for one account. */
const UNREAD_MAX = 10_000;
/** What is stored comes to an end if some of it comes at least this often. */
const COLLECT_MS_MAX = 60_000;
const MODULES = `
[[listen.http]]
  port = 0
  ip_address = "127.0.0.1"
[access]
  max_user_offline_messages = [{ acl = "all", value = "infinity" }]
[modules.mod_presence]
[modules.mod_offline]
[modules.mod_stream_management]
`;

/** Clients that send and receive while a server, or a part of it, is killed again and again. What the clients do follows from the seed. */
export class CrashRun {
  readonly server: TestServer;
  readonly senders: Sender[] = [];
  readonly readers: Reader[] = [];
  readonly strikes: Strike[] = [];
  readonly #options: CrashRunOptions;
  readonly #dice: Dice;
  readonly #kills = { memory: [] as number[], store: [] as number[], storeThread: [] as number[] };
  #isUp = true;

  private constructor(server: TestServer, options: CrashRunOptions) {
    this.server = server;
    this.#options = options;
    this.#dice = new Dice(options.seed);
    const port = (): number => {
      if (!this.#isUp) throw new Error('the server is being started');
      return this.server.port();
    };
    for (const [i, habit] of options.habits.entries()) {
      const [sender, reader] = [`sender${i}@localhost`, `reader${i}@localhost`];
      const unread = (): number => this.senders[i]!.sent.length - 1 - this.readers[i]!.latest;
      const mustCome = (): boolean => unread() >= UNREAD_MAX;
      this.senders.push(new Sender(sender, reader, port, options.seed * 1_000 + i, () => !mustCome()));
      const around = { port, memoryKills: this.#kills.memory, unread, mustCome };
      this.readers.push(new Reader(reader, habit, options.seed * 1_000 + 500 + i, around));
    }
  }

  static async start(options: CrashRunOptions): Promise<CrashRun> {
    const users = options.habits.flatMap((_habit, i) => [`sender${i}`, `reader${i}`]);
    const toml = `${MODULES}${options.toml ?? ''}`;
    const { partitions = 1 } = options;
    const server = await TestServer.start({ shards: SHARDS, users, toml, partitions, isFaulty: true });
    return new CrashRun(server, options);
  }

  /** Runs all rounds, has everybody settle, and looks at what has become of the messages. */
  async run(): Promise<Verdict> {
    const sending = Promise.all(this.senders.map((sender) => sender.run()));
    const reading = Promise.all(this.readers.map((reader) => reader.run()));
    const failed = Promise.race([sending, reading]).then(() => new Promise<never>(() => {}));
    for (let round = 0; round < this.#options.rounds; round++) {
      await Promise.race([this.#round(), failed]);
    }
    for (const sender of this.senders) sender.stop();
    await Promise.race([this.#settled(), failed]);
    for (const sender of this.senders) sender.leave();
    await sending;
    for (const reader of this.readers) reader.stop();
    await reading;
    await this.#collectAll();
    return judge(this.directions(), this.#kills);
  }

  /** All that was sent is acknowledged, and if something comes back it is with its sender. */
  async #settled(): Promise<void> {
    while (!this.senders.every(({ isSettled }) => isSettled)) await pause(PAUSE_MS);
    await expectNothingUnderWay(this.server.port('http'));
  }

  /** Readers come until nothing is stored for them, and nothing is on its way into storage. */
  async #collectAll(): Promise<void> {
    const count = (): number => this.readers.reduce((sum, { seen }) => sum + seen.length, 0);
    let [known, since] = [count(), performance.now()];
    do {
      await expectNothingUnderWay(this.server.port('http'));
      await Promise.all(this.readers.map((reader) => reader.collect()));
      if (count() > known) [known, since] = [count(), performance.now()];
      else if (performance.now() > since + COLLECT_MS_MAX) throw new Error('what is stored does not come');
    } while (this.#isStored());
  }

  #isStored(): boolean {
    const db = openReader(join(this.server.directory, 'data'));
    try {
      return db.prepare('SELECT 1 FROM offline_message LIMIT 1').get() !== undefined;
    } finally {
      db.close();
    }
  }

  directions(): Direction[] {
    return this.senders.map(({ sent }, i) => {
      const { habit, seen, sessions } = this.readers[i]!;
      return { name: `pair ${i} (${habit})`, sent, seen, sessions };
    });
  }

  async stop(): Promise<void> {
    for (const sender of this.senders) sender.stop();
    for (const reader of this.readers) reader.stop();
    await this.server.stop();
  }

  async #round(): Promise<void> {
    const before = this.senders.map(({ acknowledged }) => acknowledged);
    for (const reader of this.readers) if (this.#dice.once(3)) reader.visit();
    // However slow the machine: every blow hits a server that is at work.
    while (this.senders.some(({ acknowledged }, i) => acknowledged <= before[i]! + 5)) await pause(PAUSE_MS);
    // Now in the middle of coming back, now long after it.
    await pause(this.#dice.below(this.#dice.once(2) ? 300 : 1_500));
    const blow = this.#dice.pick(this.#options.blows);
    await this.#strike(blow);
  }

  /** The thread of the database, or of a partition in which there is a conversation. */
  #storeThread(): string {
    const { partitions = 1, habits } = this.#options;
    if (partitions === 1) return 'store';
    const used = habits.map((_habit, i) =>
      partitionOf(`sender${i}@localhost`, `reader${i}@localhost`, partitions),
    );
    const partition = this.#dice.pick([...new Set([0, ...used])]);
    return partition === 0 ? 'store' : `store ${partition}`;
  }

  async #strike(blow: Blow): Promise<void> {
    const { server } = this;
    const thread = this.#threadFor(blow);
    switch (blow) {
      case 'process':
        this.#isUp = false;
        await server.kill();
        break;
      case 'process before a commit':
      case 'process in a commit':
      case 'process after a commit': {
        const kind = (
          { before: 'kill-before-commit', in: 'kill-in-commit', after: 'kill-after-commit' } as const
        )[blow.split(' ')[1] as 'before' | 'in' | 'after'];
        const ended = server.exited();
        await server.strike(thread!, kind);
        await ended;
        this.#isUp = false;
        break;
      }
      case 'shard':
      case 'store':
        await server.strike(thread!, 'exit');
        break;
      case 'store with writes in flight':
        await server.strike(thread!, 'stall-and-exit', 100 + this.#dice.below(300));
        break;
    }
    const at = performance.now();
    this.strikes.push({ blow, thread, at });
    if (blow.startsWith('store')) this.#kills.storeThread.push(at);
    else this.#kills.memory.push(at);
    if (blow !== 'shard') this.#kills.store.push(at);
    if (!blow.startsWith('process')) return;
    await server.launch();
    this.#isUp = true;
  }

  #threadFor(blow: Blow): string | undefined {
    if (blow === 'process') return undefined;
    return blow === 'shard' ? `shard ${this.#dice.below(SHARDS)}` : this.#storeThread();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
