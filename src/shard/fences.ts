import { encodeFrame } from '../frame/codec.ts';
import { type FenceFrame, type FencePassedFrame, FrameKind, type ReroutedFrame } from '../frame/kinds.ts';
import type { Reroutes } from '../sm/reroutes.ts';
import type { Threads } from './threads.ts';

/** What is asked about. */
type Asked = Pick<FenceFrame, 'to'> & Partial<Pick<FenceFrame, 'from' | 'before' | 'visits'>>;

/**
 * Asking other shards whether they have done with what was sent to them for an account (`sm/delivery-order.ts` needs to know). The question goes through
 * the ring, behind everything it is about; whoever is asked answers when what it routes again has come to an end, and the answer comes behind all that it
 * sent because of it, and behind all news of where that went.
 */
export class Fences {
  readonly #threads: Threads;
  readonly #reroutes: () => Reroutes;
  readonly #asked = new Map<number, { readonly shard: number; readonly passed: () => void }>();
  /** By account. */
  readonly #held = new Map<string, Promise<unknown>>();
  #nextId = 1;
  /** What waits for room in a ring. */
  #unsent = 0;

  constructor(threads: Threads, reroutes: () => Reroutes) {
    this.#threads = threads;
    this.#reroutes = reroutes;
  }

  /** Has questions about an account wait until `until` has settled, too; it must not reject. */
  hold(bare: string, until: Promise<unknown>): void {
    this.#held.set(bare, until);
    void until.then(() => {
      if (this.#held.get(bare) === until) this.#held.delete(bare);
    });
  }

  /** What questions about an account wait for here. */
  held(bare: string): Promise<unknown> | undefined {
    return this.#held.get(bare);
  }

  /** Asks the shards in `mask` (a bit set). See `RemoteSessions.settled`. */
  settled(mask: number, what: Asked): Promise<void> | undefined {
    let waits: Promise<void>[] | undefined;
    for (let rest = mask; rest !== 0; rest &= rest - 1) {
      const shard = 31 - Math.clz32(rest & -rest);
      // A shard that has died has nothing under way: what it had not read was routed again, in order.
      if (this.#threads.outbox.lane(shard) === undefined) continue;
      waits ??= [];
      waits.push(this.#ask(shard, what));
    }
    if (waits === undefined) return undefined;
    return waits.length === 1 ? waits[0] : Promise.all(waits).then(() => undefined);
  }

  #ask(shard: number, what: Asked): Promise<void> {
    const id = this.#nextId++;
    const { to, from, before, visits } = what;
    const question = {
      kind: FrameKind.FENCE,
      id,
      shard: this.#threads.shard,
      to,
      from,
      before,
      visits,
    } as const;
    return new Promise((resolve) => {
      this.#asked.set(id, { shard, passed: resolve });
      this.#send(shard, question);
    });
  }

  /** Another shard asks. */
  asked({ id, shard, to, from, before, visits }: FenceFrame): void {
    const { outbox, loop } = this.#threads;
    const rerouted = this.#reroutes().settled(to, from, before, visits);
    const held = this.#held.size === 0 ? undefined : this.#held.get(to);
    const wait = held === undefined ? rerouted : Promise.all([held, rerouted]);
    const answer = (): void => this.#send(shard, { kind: FrameKind.FENCE_PASSED, id });
    const isSent = (): boolean => !outbox.isCongested && this.#unsent === 0;
    if (wait === undefined && isSent()) {
      answer();
      return;
    }
    // What waits for room in a ring is not on its way yet.
    void (wait ?? Promise.resolve()).then(() => loop.whenDone(isSent)).then(answer);
  }

  /** Another shard has answered. */
  passed({ id }: FencePassedFrame): void {
    this.#asked.get(id)?.passed();
    this.#asked.delete(id);
  }

  /** Tells the shards in `mask` where a stanza went. */
  tell(mask: number, news: ReroutedFrame): void {
    for (let rest = mask; rest !== 0; rest &= rest - 1) this.#send(31 - Math.clz32(rest & -rest), news);
  }

  /** A shard has died, and what it had not read is being routed again. */
  lost(shard: number): void {
    for (const [id, asked] of this.#asked) {
      if (asked.shard !== shard) continue;
      this.#asked.delete(id);
      asked.passed();
    }
  }

  /** While the way is full, it is tried again at the end of each turn; until the other one is gone. */
  #send(shard: number, frame: FenceFrame | FencePassedFrame | ReroutedFrame): void {
    const { outbox, loop } = this.#threads;
    loop.touch();
    const lane = outbox.lane(shard);
    if (lane === undefined || outbox.send(shard, encodeFrame(frame))) return;
    this.#unsent++;
    void loop
      .whenDone(() => outbox.lane(shard) !== lane || outbox.send(shard, encodeFrame(frame)))
      .then(() => this.#unsent--);
  }
}
