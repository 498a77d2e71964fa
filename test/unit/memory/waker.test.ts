import { on, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Waker } from '../../../src/memory/waker.ts';

const SLEEPER = new URL('../../helpers/threads/sleeper.ts', import.meta.url);
const ME = 0;
const OTHER = 1;

describe('a waker', () => {
  let directory: string;
  let me: Waker;
  let woken: () => void = () => {};
  const sleepers: Worker[] = [];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'mk-'));
    me = new Waker(directory, ME, () => woken());
    await me.start();
  });

  afterEach(async () => {
    me.close();
    await Promise.all(sleepers.splice(0).map((sleeper) => sleeper.terminate()));
    rmSync(directory, { recursive: true, force: true });
  });

  async function startSleeper(): Promise<Worker> {
    const sleeper = new Worker(SLEEPER, { workerData: { directory, thread: OTHER } });
    sleepers.push(sleeper);
    await once(sleeper, 'message');
    return sleeper;
  }

  it('wakes another thread, the first time and every time after', async () => {
    const sleeper = await startSleeper();
    for (let i = 0; i < 20; i++) {
      const heard = once(sleeper, 'message');
      me.wake(OTHER);
      expect(await heard).toEqual(['woken']);
    }
  });

  it('is woken by another thread', async () => {
    const sleeper = await startSleeper();
    for (let i = 0; i < 20; i++) {
      const { promise, resolve } = Promise.withResolvers<void>();
      woken = resolve;
      sleeper.postMessage(ME);
      await promise;
    }
  });

  it('loses no wake-up among many that come at once', async () => {
    const sleeper = await startSleeper();
    const heard = on(sleeper, 'message');
    for (let i = 0; i < 1_000; i++) me.wake(OTHER);
    // Bytes run together; the last one is heard after it was sent.
    await heard.next();
    const { promise, resolve } = Promise.withResolvers<void>();
    woken = resolve;
    sleeper.postMessage(ME);
    await promise;
  });

  it('finds the successor of a thread that has died, whether or not it was told to forget it', async () => {
    for (const isTold of [true, false, false]) {
      const sleeper = await startSleeper();
      const heard = once(sleeper, 'message');
      me.wake(OTHER);
      await heard;
      await sleeper.terminate();
      if (isTold) me.forget(OTHER);
    }
    const successor = await startSleeper();
    const heard = once(successor, 'message');
    me.wake(OTHER);
    await heard;
  });

  it('does no harm when nobody listens there, and tries again later', async () => {
    me.wake(OTHER);
    me.wake(OTHER);
    const sleeper = await startSleeper();
    const heard = once(sleeper, 'message');
    // The failed attempt ends in a turn of its own; until then the byte goes nowhere.
    const timer = setInterval(() => me.wake(OTHER), 1);
    await heard;
    clearInterval(timer);
  });

  it('takes over the name that an earlier incarnation left behind', async () => {
    const sleeper = await startSleeper();
    await sleeper.terminate();
    await startSleeper();
  });
});
