import { describe, expect, it } from 'vitest';
import { CONVERSATIONS_MAX, type InboxChange, type InboxQuery } from '../../src/store/operations/inbox.ts';
import { DRIVERS, useStore } from './drivers.ts';

/** What every store does with inboxes. */

const ROMEO = ['localhost', 'romeo'] as const;
const ALL: InboxQuery = {
  above: [0, ''],
  below: [Number.MAX_SAFE_INTEGER, ''],
  box: null,
  isUnreadOnly: false,
  isAscending: false,
  limit: 100,
  bytesMax: 1_000_000,
};

function message(peer: string, timestamp: number, isIncoming = true, text = `${timestamp}`): InboxChange {
  const content = Buffer.from(text);
  return ['message', ...ROMEO, peer, timestamp, `id${timestamp}`, content, !isIncoming, isIncoming ? 1 : 0];
}

describe.each(DRIVERS)('inboxes (%s)', (name, open) => {
  const ask = useStore(open);
  const write = (...changes: InboxChange[]) => ask('inbox_write', changes);
  const page = async (query: Partial<InboxQuery> = {}): Promise<string[]> => {
    const { conversations } = await ask('inbox_page', ...ROMEO, { ...ALL, ...query });
    return conversations.map(({ peer, unread }) => `${peer} ${unread}`);
  };
  const get = (peer: string) => ask('inbox_get', ...ROMEO, peer);

  it('show the last message of each conversation, and count those that are unread', async () => {
    await write(message('a@x', 10), message('b@x', 11), message('a@x', 12), message('b@x', 13, false));
    expect(await page()).toEqual(['b@x 0', 'a@x 2']);
    expect(await page({ isAscending: true })).toEqual(['a@x 2', 'b@x 0']);
    expect(await get('a@x')).toMatchObject({ msgId: 'id12', timestamp: 12, box: 'inbox', mutedUntil: 0 });
    expect(Buffer.from((await get('a@x'))!.content).toString()).toBe('12');
    expect(await get('__proto__')).toBeNull();
  });

  it('show the later of two messages, whichever is written first, and count both', async () => {
    await write(message('a@x', 20), message('a@x', 10));
    expect(await get('a@x')).toMatchObject({ timestamp: 20, unread: 2 });
    // What the user had written before that does not make it read.
    await write(message('a@x', 15, false));
    expect(await get('a@x')).toMatchObject({ timestamp: 20, unread: 2 });
  });

  it('are read by a marker of the last message, or of a later one', async () => {
    const read = (msgId: string, until: number): InboxChange => ['read', ...ROMEO, 'a@x', 50, msgId, until];
    await write(message('a@x', 10), message('a@x', 12), read('id10', -1), read('', 11));
    expect(await get('a@x')).toMatchObject({ unread: 2 });
    await write(read('id12', -1));
    expect(await get('a@x')).toMatchObject({ unread: 0, timestamp: 12 });
    await write(message('a@x', 14), read('elsewhere', 14));
    expect(await get('a@x')).toMatchObject({ unread: 0 });
  });

  it('are read by what the user has sent later, or marked, before the message comes', async () => {
    const read = (msgId: string, until: number, timestamp = 50): InboxChange => {
      return ['read', ...ROMEO, 'a@x', timestamp, msgId, until];
    };
    await write(message('a@x', 20, false), message('a@x', 10), message('a@x', 15));
    expect(await get('a@x')).toMatchObject({ timestamp: 20, unread: 0 });
    await write(message('a@x', 30), read('id30', -1), message('a@x', 25));
    expect(await get('a@x')).toMatchObject({ timestamp: 30, unread: 0 });
    // A mark may be ahead of the message: by its id, or by the time that the id tells.
    await write(read('id40', -1), message('a@x', 35), message('a@x', 40));
    expect(await get('a@x')).toMatchObject({ timestamp: 40, unread: 0 });
    await write(read('elsewhere', 45), message('a@x', 44), message('a@x', 45), message('a@x', 46));
    expect(await get('a@x')).toMatchObject({ timestamp: 46, unread: 1 });
    await write(['read', ...ROMEO, 'b@x', 50, 'id49', -1], message('b@x', 49), message('b@x', 51));
    expect(await get('b@x')).toMatchObject({ unread: 1 });
    // What is sent after a mark is not what it is about, whatever its id.
    await write(read('id61', -1, 60), message('a@x', 61));
    expect(await get('a@x')).toMatchObject({ timestamp: 61, unread: 2 });
  });

  it('take a conversation out of archive and bin with a new message, and out of no other box', async () => {
    await write(message('a@x', 10), message('b@x', 10), message('c@x', 10), message('d@x', 10));
    await ask('inbox_set', ...ROMEO, 'a@x', 'archive', 99, null);
    await ask('inbox_set', ...ROMEO, 'b@x', 'bin', null, true);
    await ask('inbox_set', ...ROMEO, 'c@x', 'travel', null, null);
    const returned = await write(
      message('a@x', 12),
      message('b@x', 12, false),
      message('c@x', 12),
      message('d@x', 12),
    );
    const common = { domain: 'localhost', username: 'romeo', box: 'inbox' };
    expect(returned).toEqual([
      { ...common, peer: 'a@x', mutedUntil: 99, unread: 2 },
      { ...common, peer: 'b@x', mutedUntil: 0, unread: 0 },
    ]);
    expect(await get('c@x')).toMatchObject({ box: 'travel', unread: 2 });
    expect(await write(message('a@x', 13))).toEqual([]);
  });

  it('have pages between two places, by box, and of what is unread', async () => {
    await write(message('a@x', 10), message('b@x', 10), message('c@x', 11, false), message('d@x', 12));
    await ask('inbox_set', ...ROMEO, 'd@x', 'bin', null, null);
    await ask('inbox_set', ...ROMEO, 'a@x', 'archive', null, null);
    expect(await page()).toEqual(['c@x 0', 'b@x 1', 'a@x 1']);
    expect(await page({ box: 'bin' })).toEqual(['d@x 1']);
    expect(await page({ box: 'archive' })).toEqual(['a@x 1']);
    expect(await page({ isUnreadOnly: true })).toEqual(['b@x 1', 'a@x 1']);
    expect(await page({ below: [10, 'b@x'] })).toEqual(['a@x 1']);
    expect(await page({ above: [10, 'a@x'], isAscending: true })).toEqual(['b@x 1', 'c@x 0']);
    expect(await page({ above: [10, ''], below: [11, ''] })).toEqual(['b@x 1', 'a@x 1']);
    expect(await page({ limit: 2 })).toEqual(['c@x 0', 'b@x 1']);
    const first = await ask('inbox_page', ...ROMEO, { ...ALL, bytesMax: 3 });
    expect([first.conversations.length, first.hasMore]).toEqual([1, true]);
    expect((await ask('inbox_page', ...ROMEO, { ...ALL, limit: 3 })).hasMore).toBe(false);
  });

  it('have properties', async () => {
    await write(message('a@x', 10));
    const set = (...args: [string | null, number | null, boolean | null]) =>
      ask('inbox_set', ...ROMEO, 'a@x', ...args);
    expect(await set(null, 77, null)).toEqual({ box: 'inbox', mutedUntil: 77, unread: 1 });
    expect(await set('archive', 0, true)).toEqual({ box: 'archive', mutedUntil: 0, unread: 0 });
    expect(await set(null, null, false)).toEqual({ box: 'archive', mutedUntil: 0, unread: 1 });
    await write(message('a@x', 11), message('a@x', 12));
    expect(await set(null, null, false)).toMatchObject({ unread: 3 });
    expect(await get('a@x')).toMatchObject({ timestamp: 12 });
    expect(await ask('inbox_set', ...ROMEO, 'nobody@x', 'bin', null, null)).toBeNull();
  });

  it('have a bin that is emptied for a user, or for a domain in steps', async () => {
    await write(message('a@x', 10), message('b@x', 20), message('c@x', 30));
    const other: InboxChange = [
      'message',
      'verona.example',
      'romeo',
      'a@x',
      5,
      '',
      Buffer.from(''),
      false,
      1,
    ];
    await write(other, ['message', 'localhost', 'juliet', 'a@x', 5, '', Buffer.from(''), false, 1]);
    for (const peer of ['a@x', 'b@x']) await ask('inbox_set', ...ROMEO, peer, 'bin', null, null);
    await ask('inbox_set', 'localhost', 'juliet', 'a@x', 'bin', null, null);
    await ask('inbox_set', 'verona.example', 'romeo', 'a@x', 'bin', null, null);
    expect(await ask('inbox_empty_bin', ...ROMEO, 11, 100)).toBe(1);
    expect(await page({ box: 'bin' })).toEqual(['b@x 1']);
    expect(await ask('inbox_empty_bin', 'localhost', null, 100, 1)).toBe(1);
    expect(await ask('inbox_empty_bin', 'localhost', null, 100, 1)).toBe(1);
    expect(await ask('inbox_empty_bin', 'localhost', null, 100, 1)).toBe(0);
    expect(await page()).toEqual(['c@x 1']);
    expect(await ask('inbox_get', 'verona.example', 'romeo', 'a@x')).not.toBeNull();
  });

  it('lose a conversation, unless something was said since', async () => {
    await write(message('a@x', 10), message('b@x', 10));
    await write(['remove', ...ROMEO, 'a@x', 10], ['remove', ...ROMEO, 'b@x', 9]);
    expect(await page()).toEqual(['b@x 1']);
  });

  it('go with the user and the domain, and what was sent before comes too late', async () => {
    await write(message('a@x', 10), message('b@x', 10));
    await write(['message', 'verona.example', 'romeo', 'a@x', 5, '', Buffer.from(''), false, 1]);
    await write(['message', 'localhost', 'juliet', 'a@x', 5, '', Buffer.from(''), false, 1]);
    expect(await ask('inbox_remove_user', ...ROMEO)).toBe(2);
    await write(message('a@x', Date.now() * 1000 - 1_000_000));
    expect(await page()).toEqual([]);
    await write(message('a@x', Date.now() * 1000 + 60_000_000));
    expect(await page()).toEqual(['a@x 1']);
    expect(await ask('inbox_remove_domain', 'localhost', 1)).toBe(1);
    expect(await ask('inbox_remove_domain', 'localhost', 10)).toBe(1);
    expect(await ask('inbox_get', 'verona.example', 'romeo', 'a@x')).not.toBeNull();
  });

  if (name === 'SQLite') {
    it('have a limit, beyond which the oldest conversations go', async () => {
      for (let i = 0; i <= CONVERSATIONS_MAX; i += 500) {
        const changes = Array.from({ length: 500 }, (_, n) => message(`p${i + n}@x`, 1_000 + i + n));
        await write(...changes);
      }
      const { conversations } = await ask('inbox_page', ...ROMEO, { ...ALL, isAscending: true, limit: 1 });
      const oldest = Number(/\d+/.exec(conversations[0]!.peer)![0]);
      expect(oldest).toBeGreaterThanOrEqual(500);
      expect(oldest).toBeLessThanOrEqual(600);
      expect((await page({ limit: 1 }))[0]).toBe(`p${CONVERSATIONS_MAX + 499}@x 1`);
    });
  }
});
