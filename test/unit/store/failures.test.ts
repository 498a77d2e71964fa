import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STORE_PENDING_MAX, STORE_TIMEOUT_MS } from '../../../src/limits.ts';
import { Counter } from '../../../src/memory/counters.ts';
import {
  type ClaimedMessages,
  type StoreArgs,
  type StoreOperation,
  type StoreResult,
  StoreUnavailableError,
} from '../../../src/store/operations.ts';
import { LoopbackStore } from '../../helpers/loopback-store.ts';
import { MemoryDriver } from '../../helpers/memory-driver.ts';

/** What happens to requests when the store fails: each of them is answered, and the answer stays true (threat T56). */

/** A store whose disk can be made to fail. */
class FailingDriver extends MemoryDriver {
  failsToBegin = false;
  failsToCommit = false;
  failsToReadAgain = false;
  /** Values that are new in this transaction, which are gone when it fails. */
  readonly #written: StoreArgs<'value_set'>[] = [];
  commits = 0;
  begins = 0;

  override begin(): void {
    this.begins++;
    if (this.failsToBegin) throw new Error('database is locked');
    super.begin();
  }

  override commit(): void {
    super.commit();
    this.commits++;
    const written = this.#written.splice(0);
    if (!this.failsToCommit) return;
    for (const [module, scope, key] of written) super.run('value_delete', [module, scope, key]);
    throw new Error('disk I/O error');
  }

  override run<O extends StoreOperation>(operation: O, args: StoreArgs<O>): StoreResult<O> {
    if (this.failsToReadAgain && this.commits > 0) throw new Error('disk I/O error while reading');
    if (operation === 'value_set') this.#written.push(args as StoreArgs<'value_set'>);
    return super.run(operation, args);
  }
}

let driver: FailingDriver;
let store: LoopbackStore;

beforeEach(() => {
  driver = new FailingDriver();
  store = new LoopbackStore(driver);
});

afterEach(() => driver.close());

/** How a request ended: its value, or its error. */
function outcome(request: Promise<unknown>): Promise<unknown> {
  return request.catch((cause: unknown) => {
    expect(cause).toBeInstanceOf(StoreUnavailableError);
    return (cause as Error).message;
  });
}

const set = (key: string) => outcome(store.remote.request('value_set', 'mod_x', 's', key, 1));
const get = (key: string) => outcome(store.remote.request('value_get', 'mod_x', 's', key));

describe('a store', () => {
  it('commits what came together once, and only when something was written', async () => {
    await Promise.all([set('a'), set('b'), get('a')]);
    expect(driver.commits).toBe(1);
    await get('a');
    expect(driver.commits).toBe(1);
    expect(store.counters[Counter.store_commits]).toBe(1);
  });

  it('that cannot commit fails all writes of the batch, and answers what was only read', async () => {
    await set('old');
    driver.failsToCommit = true;
    expect(await Promise.all([set('a'), get('old'), set('b')])).toEqual([
      'disk I/O error',
      1,
      'disk I/O error',
    ]);
    expect(store.failures).toEqual(['commit: disk I/O error']);
    expect(store.counters[Counter.store_failed]).toBe(2);
    driver.failsToCommit = false;
    expect(await set('c')).toBe(null);
  });

  it('that cannot commit answers no read with what was undone', async () => {
    driver.failsToCommit = true;
    const broken = 'disk I/O error';
    expect(await Promise.all([get('a'), set('a'), get('a'), get('b'), set('b')])).toEqual([
      null,
      broken,
      null,
      null,
      broken,
    ]);
    driver.failsToCommit = false;
    expect(await Promise.all([set('a'), get('a')])).toEqual([null, 1]);
  });

  it('that cannot read any more either fails those reads, but not those that came before the first write', async () => {
    driver.failsToCommit = true;
    driver.failsToReadAgain = true;
    expect(await Promise.all([get('a'), set('a'), get('a')])).toEqual([
      null,
      'disk I/O error',
      'disk I/O error while reading',
    ]);
    expect(store.failures).toEqual(['commit: disk I/O error', 'value_get: disk I/O error while reading']);
  });

  it('that cannot begin tries once a batch, not once a write: nobody waits many times for a locked database', async () => {
    driver.failsToBegin = true;
    const answers = await Promise.all(Array.from({ length: 20 }, (_unused, i) => set(String(i))));
    expect(new Set(answers)).toEqual(new Set(['database is locked']));
    expect(driver.begins).toBe(1);
    driver.failsToBegin = false;
    expect(await set('later')).toBe(null);
  });
});

describe('a store whose writes fail', () => {
  const isFailing = (): boolean => store.counters[Counter.store_writes_failing] === 1;

  it('says so until one succeeds, and tries itself every two seconds', async () => {
    driver.failsToCommit = true;
    await set('a');
    expect(isFailing()).toBe(true);
    store.server.probe();
    store.nowMs += 1_999;
    driver.failsToCommit = false;
    store.server.probe();
    expect(isFailing()).toBe(true);
    store.nowMs += 1;
    store.server.probe();
    expect(isFailing()).toBe(false);
  });

  it('does not say so over a request that cannot be done', async () => {
    await outcome(store.remote.request('no_such_operation' as 'ping'));
    expect(isFailing()).toBe(false);
    driver.failsToBegin = true;
    await set('b');
    expect(isFailing()).toBe(true);
    driver.failsToBegin = false;
    await set('c');
    expect(isFailing()).toBe(false);
  });
});

describe('requests to the store', () => {
  it('fail when it does not answer in time, and are not run any more when it comes back', async () => {
    store.isRunning = false;
    const late = set('late');
    store.nowMs += STORE_TIMEOUT_MS;
    store.remote.expire();
    expect(await late).toBe(`no answer within ${STORE_TIMEOUT_MS} ms`);
    store.isRunning = true;
    // It was told that it failed: that must stay true.
    expect(await get('late')).toBe(null);
    expect(store.failures).toEqual(['value_set: too late']);
  });

  it('that must be run late are', async () => {
    const claimant = [0, 1, 1] as const;
    const message = { timestamp: 1, from: 'a@x/1', to: 'b@x', packet: Buffer.from('x'), keys: [] };
    await store.remote.request('offline_append', 'x', 'b', message, null, null, null);
    const found = await store.remote.request('offline_claim', 'x', 'b', claimant, 0, 10);
    const ids = (found as ClaimedMessages).messages.map(({ id }) => id);
    store.isRunning = false;
    const confirmation = outcome(store.remote.request('offline_confirm', 'x', 'b', claimant, ids));
    store.nowMs += STORE_TIMEOUT_MS;
    store.remote.expire();
    await confirmation;
    store.isRunning = true;
    expect(await store.remote.request('offline_count', 'x', 'b')).toBe(0);
  });

  it('expire oldest first; younger ones wait on', async () => {
    store.isRunning = false;
    const [old, young] = [set('old'), set('young')];
    store.nowMs += STORE_TIMEOUT_MS - 1;
    const youngest = set('youngest');
    store.nowMs += 1;
    store.remote.expire();
    expect(await old).toContain('no answer');
    expect(await young).toContain('no answer');
    expect(store.remote.pendingCount).toBe(1);
    store.isRunning = true;
    await get('x');
    expect(await youngest).toBe(null);
  });

  it('all fail at once when its thread dies, and so do new ones until it is back', async () => {
    store.isRunning = false;
    const waiting = [set('a'), get('b')];
    store.remote.down();
    expect(await Promise.all(waiting)).toEqual(['the store thread died', 'the store thread died']);
    expect(store.remote.pendingCount).toBe(0);
    expect(await set('c')).toBe('the store is being restarted');
    store.remote.up();
    store.isRunning = true;
    expect(await set('d')).toBe(null);
  });

  it('over the limit are refused; those before them are answered', async () => {
    const small = new LoopbackStore(driver, 65_536, 1 << 26);
    small.isRunning = false;
    const taken = Array.from({ length: STORE_PENDING_MAX }, () => small.remote.request('ping'));
    await expect(small.remote.request('ping')).rejects.toThrow('too many requests wait');
    small.turn();
    expect(new Set(await Promise.all(taken))).toEqual(new Set([null]));
  });

  it('for which the way is full are refused', async () => {
    const narrow = new LoopbackStore(driver, 1_024, 2_048);
    narrow.isRunning = false;
    const outcomes: Promise<unknown>[] = [];
    for (let i = 0; i < 200; i++)
      outcomes.push(outcome(narrow.remote.request('value_get', 'mod_x', 's', String(i))));
    narrow.turn();
    const answers = await Promise.all(outcomes);
    const refused = answers.filter((answer) => answer === 'the way to the store is full');
    expect(refused.length).toBeGreaterThan(0);
    expect(answers.filter((answer) => answer === null)).toHaveLength(200 - refused.length);
  });
});
