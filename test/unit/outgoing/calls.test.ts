import { describe, expect, it } from 'vitest';
import { Calls } from '../../../src/outgoing/calls.ts';
import { OutgoingError } from '../../../src/outgoing/errors.ts';

/** The calls of a pool: their limits, and what happens when the counterpart is gone. */

interface Held {
  readonly resolve: (value: string) => void;
  readonly reject: (error: Error) => void;
}

class Rig {
  nowMs = 0;
  readonly logged: string[] = [];
  readonly held: Held[] = [];
  readonly calls: Calls;

  constructor(activeMax = 2, waitingMax = 2, timeoutMs = 60_000) {
    const note = (fields: object): void => void this.logged.push((fields as { what: string }).what);
    this.calls = new Calls({
      name: 'http.auth',
      activeMax,
      waitingMax,
      timeoutMs,
      log: { warn: note, info: note },
      nowMs: () => this.nowMs,
    });
  }

  /** A call that ends when the test says so. */
  hold(): Promise<string> {
    return this.calls.run(() => new Promise((resolve, reject) => this.held.push({ resolve, reject })));
  }

  ok(): Promise<string> {
    return this.calls.run(async () => 'ok');
  }

  fail(): Promise<string> {
    return this.calls.run(async () => {
      throw new OutgoingError('down', 'gone');
    });
  }

  async failTimes(times: number): Promise<void> {
    for (let i = 0; i < times; i++) await expect(this.fail()).rejects.toMatchObject({ reason: 'down' });
  }
}

describe('limits', () => {
  it('two run, two wait, the fifth is refused; a free place goes to who waited longest', async () => {
    const rig = new Rig();
    const first = rig.hold();
    const others = [rig.hold(), rig.hold(), rig.hold()];
    await expect(rig.ok()).rejects.toMatchObject({ name: 'OutgoingError', reason: 'full' });
    expect([rig.calls.active, rig.calls.waiting, rig.held.length]).toEqual([2, 2, 2]);
    rig.held[0]!.resolve('first');
    expect(await first).toBe('first');
    expect([rig.calls.active, rig.calls.waiting, rig.held.length]).toEqual([2, 1, 3]);
    for (const [i, held] of rig.held.entries()) held.resolve(String(i));
    await others[0];
    await others[1];
    rig.held[3]!.resolve('3');
    expect(await Promise.all(others)).toEqual(['1', '2', '3']);
    expect(await rig.ok()).toBe('ok');
    expect([rig.calls.active, rig.calls.waiting]).toEqual([0, 0]);
  });

  it('nothing may wait where the limit is none', async () => {
    const rig = new Rig(1, 0);
    const held = rig.hold();
    await expect(rig.ok()).rejects.toMatchObject({ reason: 'full' });
    rig.held[0]!.resolve('x');
    expect(await held).toBe('x');
  });

  it('a call that takes too long is told to stop, and its place is free again', async () => {
    const rig = new Rig(1, 1, 30);
    let wasStopped = false;
    const slow = rig.calls.run((signal) => {
      signal.addEventListener('abort', () => {
        wasStopped = true;
      });
      return new Promise<string>(() => {});
    });
    const waiting = rig.hold();
    await expect(slow).rejects.toMatchObject({ reason: 'timeout' });
    await expect(waiting).rejects.toMatchObject({ reason: 'timeout' });
    expect(wasStopped).toBe(true);
    expect([rig.calls.active, rig.calls.waiting]).toEqual([0, 0]);
  });

  it('closing fails what runs, what waits and what comes', async () => {
    const rig = new Rig(1, 1);
    const all = [rig.hold(), rig.hold()];
    rig.calls.close();
    for (const call of [...all, rig.ok()]) await expect(call).rejects.toMatchObject({ reason: 'closed' });
  });
});

describe('a counterpart that is gone', () => {
  it('is not asked after five failures in a row, for a second; then once', async () => {
    const rig = new Rig();
    await rig.failTimes(4);
    await rig.ok();
    await rig.failTimes(5);
    expect(rig.logged).toEqual(['outgoing_pool_down']);
    await expect(rig.ok()).rejects.toThrow('did not answer lately');
    rig.nowMs = 999;
    await expect(rig.ok()).rejects.toMatchObject({ reason: 'down' });
    rig.nowMs = 1000;
    const attempt = rig.hold();
    await expect(rig.ok()).rejects.toThrow('did not answer lately');
    rig.held[0]!.resolve('back');
    expect(await attempt).toBe('back');
    expect(await rig.ok()).toBe('ok');
    expect(rig.logged).toEqual(['outgoing_pool_down', 'outgoing_pool_up']);
  });

  it('is left alone twice as long after each attempt that failed, up to thirty seconds', async () => {
    const rig = new Rig();
    await rig.failTimes(5);
    for (const rest of [1, 2, 4, 8, 16, 30, 30]) {
      rig.nowMs += rest * 1000 - 1;
      await expect(rig.ok(), `${rest}`).rejects.toThrow('did not answer lately');
      rig.nowMs += 1;
      await expect(rig.fail()).rejects.toThrow('gone');
    }
    expect(rig.logged).toEqual(['outgoing_pool_down']);
  });

  it('is still there if it answers, whatever it says', async () => {
    const rig = new Rig();
    for (let i = 0; i < 20; i++) {
      await expect(
        rig.calls.run(async () => {
          throw new Error('no');
        }),
      ).rejects.toThrow('no');
    }
    expect(await rig.ok()).toBe('ok');
  });

  it('lets nobody wait for it any more', async () => {
    const rig = new Rig(1, 10);
    await rig.failTimes(4);
    const last = rig.hold();
    const waiting = [rig.ok(), rig.ok()];
    rig.held[0]!.reject(new OutgoingError('down', 'gone'));
    await expect(last).rejects.toThrow('gone');
    for (const call of waiting) await expect(call).rejects.toMatchObject({ reason: 'down' });
  });
});
