import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  StoreArgs,
  StoreDriver,
  StoreOperation,
  StoreResult,
  SubscriptionStep,
} from '../../src/store/operations.ts';
import { SqliteDriver } from '../../src/store/sqlite/driver.ts';
import { LoopbackStore } from '../helpers/loopback-store.ts';
import { MemoryDriver } from '../helpers/memory-driver.ts';

/** Rosters in every store, seen from a shard. */

const DRIVERS: [string, (directory: string) => StoreDriver][] = [
  ['SQLite', (directory) => new SqliteDriver(directory, 'full')],
  ['memory', () => new MemoryDriver()],
];
const LIMITS = { contacts: 3, requests: 2 };
const NOW = 1_800_000_000_000_000;

describe.each(DRIVERS)('rosters (%s)', (_name, open) => {
  let directory: string;
  let driver: StoreDriver;
  let store: LoopbackStore;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mk-'));
    driver = open(directory);
    store = new LoopbackStore(driver);
  });

  afterEach(() => {
    driver.close();
    rmSync(directory, { recursive: true, force: true });
  });

  function ask<O extends StoreOperation>(operation: O, ...args: StoreArgs<O>): Promise<StoreResult<O>> {
    return store.remote.request(operation, ...args);
  }

  const set = (jid: string, name: string | null = null, groups: string[] = [], user = 'romeo') =>
    ask('roster_set', 'localhost', user, { jid, name, groups, extra: '' }, LIMITS, NOW, false);

  const step = (
    direction: SubscriptionStep['direction'],
    type: SubscriptionStep['type'],
    jid = 'juliet@localhost',
    message = '',
  ) =>
    ask('roster_subscription', 'localhost', 'romeo', { jid, direction, type, message }, LIMITS, NOW, false);

  const get = async () => await ask('roster_get', 'localhost', 'romeo');

  it('are empty, with version 0, before anything was written', async () => {
    expect(await get()).toEqual({ version: 0, contacts: [] });
    expect(await ask('roster_contact', 'localhost', 'romeo', 'juliet@localhost')).toBe(null);
    expect(await ask('roster_lists', 'localhost', 'romeo')).toEqual({
      version: 0,
      both: '',
      from: '',
      to: '',
      requests: [],
    });
  });

  it('keep what is set, and tell what was before; versions rise by one from the time of the first change', async () => {
    const first = await set('nurse@localhost', 'Nurse', ['A', 'B']);
    expect(first).toMatchObject({ previous: 0, version: NOW / 1_000, before: null, roster: null });
    const second = await set('nurse@localhost', null, []);
    expect(second).toMatchObject({
      previous: NOW / 1_000,
      version: NOW / 1_000 + 1,
      before: { name: 'Nurse', groups: ['A', 'B'] },
      after: { name: 'Nurse', groups: [] },
    });
    const nurse = {
      jid: 'nurse@localhost',
      name: 'Nurse',
      groups: [],
      subscription: 'none',
      ask: 'none',
      isApproved: false,
      isListed: true,
      askMessage: '',
      extra: '',
    };
    expect(await get()).toEqual({ version: NOW / 1_000 + 1, contacts: [nurse] });
    expect(await ask('roster_contact', 'localhost', 'romeo', 'nurse@localhost')).toEqual(nurse);
  });

  it('give the whole roster with a change to whoever wants it', async () => {
    await set('a@localhost');
    const details = { jid: 'b@localhost', name: null, groups: [], extra: '' };
    const change = await ask('roster_set', 'localhost', 'romeo', details, LIMITS, NOW, true);
    if (change === 'full') throw new Error('full');
    expect(change.roster?.map(({ jid }) => jid)).toEqual(['a@localhost', 'b@localhost']);
  });

  it('have no more contacts and requests than they may', async () => {
    for (const name of ['a', 'b', 'c']) expect(await set(`${name}@localhost`)).not.toBe('full');
    expect(await set('d@localhost')).toBe('full');
    expect(await step('out', 'subscribe', 'd@localhost')).toBe('full');
    expect(await set('c@localhost', 'C')).not.toBe('full');
    for (const name of ['x', 'y'])
      expect(await step('in', 'subscribe', `${name}@localhost`)).not.toBe('full');
    expect(await step('in', 'subscribe', 'z@localhost')).toBe('full');
    expect(await step('in', 'subscribe', 'a@localhost')).not.toBe('full');
    // To agree makes a contact of a request.
    expect(await step('out', 'subscribed', 'x@localhost')).toBe('full');
    await ask('roster_remove', 'localhost', 'romeo', 'b@localhost', NOW, false);
    expect(await step('out', 'subscribed', 'x@localhost')).toMatchObject({ isPassedOn: true });
    expect((await get()).contacts).toHaveLength(4);
  });

  it('keep a stranger’s request apart from the contacts, until it is answered', async () => {
    const asked = await step('in', 'subscribe', 'juliet@localhost', 'It is I');
    expect(asked).toEqual({ isPassedOn: true, reply: null, change: null });
    expect(await step('in', 'subscribe', 'juliet@localhost', 'Again')).toMatchObject({ isPassedOn: false });
    expect((await ask('roster_lists', 'localhost', 'romeo')).requests).toEqual([
      ['juliet@localhost', 'It is I'],
    ]);
    expect((await get()).version).toBe(0);
    expect(await ask('roster_remove', 'localhost', 'romeo', 'juliet@localhost', NOW, false)).toBe(null);
    const declined = await step('out', 'unsubscribed');
    expect(declined).toEqual({ isPassedOn: true, reply: null, change: null });
    expect((await get()).contacts).toEqual([]);
    await step('in', 'subscribe');
    const granted = await step('out', 'subscribed');
    expect(granted).toMatchObject({
      change: { after: { subscription: 'from', isListed: true, askMessage: '' } },
    });
  });

  it('list contacts by how they stand', async () => {
    await step('out', 'subscribe');
    await step('in', 'subscribed');
    expect(await ask('roster_lists', 'localhost', 'romeo')).toMatchObject({
      to: 'juliet@localhost',
      both: '',
    });
    await step('in', 'subscribe');
    await step('out', 'subscribed');
    expect(await ask('roster_lists', 'localhost', 'romeo')).toMatchObject({
      to: '',
      both: 'juliet@localhost',
    });
    await step('in', 'unsubscribed');
    expect(await ask('roster_lists', 'localhost', 'romeo')).toMatchObject({
      from: 'juliet@localhost',
      both: '',
    });
  });

  it('say nothing of changes that clients do not see', async () => {
    await set('juliet@localhost', 'J');
    const { version } = await get();
    expect(await step('in', 'subscribe')).toMatchObject({ isPassedOn: true, change: null });
    expect((await get()).version).toBe(version);
  });

  it('go with their user, who is told who was in them, and with their domain', async () => {
    await set('a@localhost');
    await set('b@localhost', null, [], 'other');
    await step('in', 'subscribe');
    const gone = await ask('roster_remove_user', 'localhost', 'romeo');
    expect(gone.map(({ jid }) => jid)).toEqual(['a@localhost', 'juliet@localhost']);
    expect(await get()).toEqual({ version: 0, contacts: [] });
    expect(await ask('roster_remove_domain', 'localhost')).toBe(1);
    expect(await ask('roster_get', 'localhost', 'other')).toEqual({ version: 0, contacts: [] });
  });
});
