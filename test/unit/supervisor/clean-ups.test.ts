import { beforeEach, describe, expect, it } from 'vitest';
import { CleanUps } from '../../../src/supervisor/clean-ups.ts';
import { ShardLostError } from '../../../src/supervisor/shard-handle.ts';

/** Threat T58: whatever dies while it cleans up for another one, somebody does it in the end. */

class FakeShard {
  isReady = true;
  readonly asked: { args: unknown; done: PromiseWithResolvers<unknown> }[] = [];

  request(command: string, args: unknown): Promise<unknown> {
    expect(command).toBe('clean_up');
    const done = Promise.withResolvers<unknown>();
    this.asked.push({ args, done });
    return done.promise;
  }

  die(): void {
    this.isReady = false;
    for (const { done } of this.asked) done.reject(new ShardLostError('it ended'));
  }
}

const LOST = { shard: 2, diedAt: 5, sessions: [{ jid: 'romeo@localhost/orchard', number: 1, time: 2 }] };
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('cleaning up after shards', () => {
  let shards: FakeShard[];
  let errors: unknown[];
  let cleanUps: CleanUps;

  beforeEach(() => {
    shards = [new FakeShard(), new FakeShard()];
    errors = [];
    cleanUps = new CleanUps(shards, { error: (line: unknown) => errors.push(line) });
  });

  it('is done by one that is ready, once', async () => {
    shards[0]!.isReady = false;
    cleanUps.after(LOST);
    expect(shards[1]!.asked).toMatchObject([{ args: { lost: LOST } }]);
    shards[1]!.asked[0]!.done.resolve(undefined);
    await settled();
    shards[0]!.isReady = true;
    cleanUps.shardReady();
    expect(shards.flatMap(({ asked }) => asked)).toHaveLength(1);
  });

  it('is done again by another one when the first dies meanwhile', async () => {
    cleanUps.after(LOST);
    shards[0]!.die();
    await settled();
    expect(shards[1]!.asked).toMatchObject([{ args: { lost: LOST } }]);
  });

  it('waits until there is one', async () => {
    cleanUps.after(LOST);
    for (const shard of shards) shard.die();
    cleanUps.after({ ...LOST, shard: 0 });
    await settled();
    expect(shards[1]!.asked).toEqual([]);
    shards[1]!.isReady = true;
    cleanUps.shardReady();
    const done = shards[1]!.asked.map(({ args }) => (args as { lost: typeof LOST }).lost.shard);
    expect(done.sort()).toEqual([0, 2]);
  });

  it('does not take one shard after the other: five have died at it, and it is given up', async () => {
    cleanUps.after(LOST);
    for (let deaths = 1; deaths <= 5; deaths++) {
      expect(errors).toEqual([]);
      shards[0]!.die();
      shards[0] = new FakeShard();
      await settled();
      expect(shards[0].asked).toHaveLength(deaths < 5 ? 1 : 0);
    }
    expect(errors).toMatchObject([{ what: 'clean_up_failed', shard: 2 }]);
  });

  it('is not tried for ever where it fails', async () => {
    cleanUps.after(LOST);
    shards[0]!.asked[0]!.done.reject(new Error('a bug'));
    await settled();
    expect(errors).toMatchObject([{ what: 'clean_up_failed', shard: 2 }]);
    expect(shards[1]!.asked).toEqual([]);
  });
});
