import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HEARTBEAT_LOST_MS, HEARTBEAT_MS } from '../../../src/limits.ts';
import { Heartbeat } from '../../../src/supervisor/heartbeat.ts';

/** Threat T58: threads whose loop has stopped are found within five seconds, and no others. */

let nowMs: number;
let heartbeat: Heartbeat;
let beats: number;
let lost: string[];

beforeEach(() => {
  nowMs = 1_000;
  beats = 0;
  lost = [];
  heartbeat = new Heartbeat(() => nowMs);
});

afterEach(() => heartbeat.stop());

function watch(name: string, read = () => beats): void {
  heartbeat.watch(name, read, () => lost.push(name));
}

/** Time passes, with looks as often as there are in a server. */
function pass(ms: number): void {
  for (let left = ms; left > 0; left -= HEARTBEAT_MS) {
    nowMs += Math.min(HEARTBEAT_MS, left);
    heartbeat.check();
  }
}

describe('heartbeat', () => {
  it('is lost when the count stands still for five seconds, not before', () => {
    expect(HEARTBEAT_LOST_MS).toBeLessThanOrEqual(5_000);
    watch('shard 0');
    pass(HEARTBEAT_LOST_MS - 1);
    expect(lost).toEqual([]);
    pass(1);
    expect(lost).toEqual(['shard 0']);
  });

  it('is reported once', () => {
    watch('shard 0');
    for (let i = 0; i < 3; i++) {
      pass(HEARTBEAT_LOST_MS);
    }
    expect(lost).toEqual(['shard 0']);
  });

  it('counts from the last beat, however slow they come', () => {
    watch('shard 0');
    for (let i = 0; i < 10; i++) {
      pass(HEARTBEAT_LOST_MS - 1);
      beats++;
      heartbeat.check();
    }
    expect(lost).toEqual([]);
  });

  it('of one thread says nothing of another', () => {
    watch('shard 0');
    watch('store', () => nowMs);
    pass(HEARTBEAT_LOST_MS);
    expect(lost).toEqual(['shard 0']);
  });

  it('of a thread that is being replaced is not missed, and its successor starts anew', () => {
    watch('shard 0');
    pass(HEARTBEAT_LOST_MS - 1);
    heartbeat.forget('shard 0');
    pass(HEARTBEAT_LOST_MS);
    expect(lost).toEqual([]);
    watch('shard 0');
    pass(HEARTBEAT_LOST_MS - 1);
    expect(lost).toEqual([]);
  });

  it('is not missed while nobody could look: when the whole process stood still, threads get their time again', () => {
    watch('shard 0');
    pass(HEARTBEAT_LOST_MS / 2 - HEARTBEAT_MS);
    nowMs += 60 * HEARTBEAT_LOST_MS;
    heartbeat.check();
    expect(lost).toEqual([]);
    pass(HEARTBEAT_LOST_MS / 2 - 2 * HEARTBEAT_MS);
    expect(lost).toEqual([]);
    pass(HEARTBEAT_MS);
    expect(lost).toEqual(['shard 0']);
  });
});
