import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { STORE_BUSY_REQUESTS, STORE_WORK_DELAY_MS, STORE_WORK_PAUSE_MS } from '../../../src/limits.ts';
import { Counter } from '../../../src/memory/counters.ts';
import { IdleWork } from '../../../src/store/idle-work.ts';
import { LoopbackStore } from '../../helpers/loopback-store.ts';
import { MemoryDriver } from '../../helpers/memory-driver.ts';

/** Work of a store that may wait: when it is done, and what becomes of requests meanwhile. */

class WorkingDriver extends MemoryDriver {
  left = 0;
  steps = 0;
  fails = false;

  get hasWork(): boolean {
    return this.left > 0;
  }

  work(): void {
    this.steps++;
    if (this.fails) throw new Error('database or disk is full');
    this.left--;
  }
}

let driver: WorkingDriver;
let store: LoopbackStore;
let idle: IdleWork;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  driver = new WorkingDriver();
  store = new LoopbackStore(driver);
  idle = new IdleWork(store.server);
});

afterEach(() => {
  vi.useRealTimers();
  driver.close();
});

describe('work that may wait', () => {
  it('begins after a while and goes on in steps until it is done', () => {
    driver.left = 3;
    idle.schedule();
    idle.schedule();
    vi.advanceTimersByTime(STORE_WORK_DELAY_MS - 1);
    expect(driver.steps).toBe(0);
    vi.advanceTimersByTime(1);
    expect(driver.steps).toBe(1);
    vi.advanceTimersByTime(2 * STORE_WORK_PAUSE_MS);
    expect(driver.steps).toBe(3);
    expect(vi.getTimerCount()).toBe(0);
    driver.left = 1;
    idle.schedule();
    vi.advanceTimersByTime(STORE_WORK_DELAY_MS);
    expect(driver.left).toBe(0);
  });

  it('sets no timer when there is none', () => {
    idle.schedule();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits while many requests come', () => {
    driver.left = 1;
    idle.schedule();
    store.counters[Counter.store_requests]! += (STORE_BUSY_REQUESTS * STORE_WORK_DELAY_MS) / 1_000 + 1;
    vi.advanceTimersByTime(STORE_WORK_DELAY_MS);
    expect(driver.steps).toBe(0);
    store.counters[Counter.store_requests]! += 10;
    vi.advanceTimersByTime(STORE_WORK_DELAY_MS);
    expect(driver.steps).toBe(1);
  });

  it('is tried again with the next requests if it fails, and the failure is told', () => {
    driver.left = 1;
    driver.fails = true;
    idle.schedule();
    vi.advanceTimersByTime(STORE_WORK_DELAY_MS * 10);
    expect(driver.steps).toBe(1);
    expect(store.failures).toEqual(['work: database or disk is full']);
    driver.fails = false;
    idle.schedule();
    vi.advanceTimersByTime(STORE_WORK_DELAY_MS);
    expect(driver.left).toBe(0);
  });

  it('comes after requests that were begun are answered', async () => {
    const answered = store.remote.request('value_set', 'mod_x', 's', 'k', 1);
    driver.left = 1;
    expect(store.server.rest()).toBe(false);
    store.turn();
    await expect(answered).resolves.toBeNull();
    expect(driver.isOpen).toBe(false);
  });
});
