import { afterEach, describe, expect, it } from 'vitest';
import { HEARTBEAT_LOST_MS } from '../../../src/limits.ts';
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
  return { clock, beats };
}

describe('Liveness', () => {
  it('knows a shard for dead that has not beaten for three times as long as it takes to replace it', () => {
    const { clock, beats } = watched(2);
    liveness.check();
    clock.nowMs = 3 * HEARTBEAT_LOST_MS - 1;
    beats[1] = 1;
    expect(liveness.dead()).toEqual([]);
    clock.nowMs++;
    expect(liveness.dead()).toEqual([0]);
  });

  it('takes a new beat for life, and a new shard that counts from zero, too', () => {
    const { clock, beats } = watched(1);
    beats[0] = 500;
    liveness.check();
    clock.nowMs = 3 * HEARTBEAT_LOST_MS;
    expect(liveness.dead()).toEqual([0]);
    beats[0] = 0;
    expect(liveness.dead()).toEqual([]);
    clock.nowMs += 3 * HEARTBEAT_LOST_MS;
    expect(liveness.dead()).toEqual([0]);
  });
});
