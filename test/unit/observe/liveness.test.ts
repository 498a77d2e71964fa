import { afterEach, describe, expect, it } from 'vitest';
import { HEARTBEAT_LOST_MS, HEARTBEAT_MS } from '../../../src/limits.ts';
import { Liveness } from '../../../src/observe/liveness.ts';

let liveness: Liveness;

afterEach(() => liveness.stop());

function watched(shards: number) {
  const clock = { nowMs: 0 };
  const beats = new Array<number>(shards).fill(0);
  liveness = new Liveness(
    shards,
    (shard) => beats[shard]!,
    () => clock.nowMs,
  );
  /** Time passes, with looks as often as there are in a server. */
  const pass = (ms: number): void => {
    for (let left = ms; left > 0; left -= HEARTBEAT_MS) {
      clock.nowMs += Math.min(HEARTBEAT_MS, left);
      liveness.check();
    }
  };
  return { clock, beats, pass };
}

describe('Liveness', () => {
  it('knows a shard for dead that has not beaten for three times as long as it takes to replace it', () => {
    const { beats, pass } = watched(2);
    liveness.check();
    pass(3 * HEARTBEAT_LOST_MS - 1);
    beats[1] = 1;
    expect(liveness.dead()).toEqual([]);
    pass(1);
    expect(liveness.dead()).toEqual([0]);
  });

  it('takes a new beat for life, and a new shard that counts from zero, too', () => {
    const { beats, pass } = watched(1);
    beats[0] = 500;
    liveness.check();
    pass(3 * HEARTBEAT_LOST_MS);
    expect(liveness.dead()).toEqual([0]);
    beats[0] = 0;
    expect(liveness.dead()).toEqual([]);
    pass(3 * HEARTBEAT_LOST_MS);
    expect(liveness.dead()).toEqual([0]);
  });

  it('does not count time in which the whole process stood still', () => {
    const { clock, pass } = watched(1);
    liveness.check();
    clock.nowMs += 10 * HEARTBEAT_LOST_MS;
    expect(liveness.dead()).toEqual([]);
    pass(3 * HEARTBEAT_LOST_MS);
    expect(liveness.dead()).toEqual([0]);
  });
});
