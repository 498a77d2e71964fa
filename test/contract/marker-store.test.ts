import { describe, expect, it } from 'vitest';
import { MISSED_MAX } from '../../src/store/operations/offline-markers.ts';
import {
  MARKERS_MAX,
  type MarkerCode,
  type MarkerParty,
  type MarkerRecord,
} from '../../src/store/operations/smart-markers.ts';
import { DRIVERS, useStore } from './drivers.ts';

/** What every store does with chat markers, and with those that absent users have missed. */

const ROMEO: MarkerParty = ['localhost', 'romeo'];
const JULIET: MarkerParty = ['localhost', 'juliet'];
const ROOM: MarkerParty = ['muc.localhost', 'garden'];

function marker(
  from: MarkerParty,
  to: MarkerParty,
  id: string,
  timestamp: number,
  thread = '',
  code: MarkerCode = 'D',
): MarkerRecord {
  return [...from, ...to, thread, code, id, timestamp];
}

describe.each(DRIVERS)('chat markers (%s)', (name, open) => {
  const ask = useStore(open);
  const write = (...records: MarkerRecord[]) => ask('smart_markers_write', records);
  const get = async (scope: 'own' | 'both' | 'all', peer = JULIET, thread = '', after = 0, limit = 100) =>
    (await ask('smart_markers_get', ROMEO, peer, scope, thread, after, limit)).map(
      ({ from, code, msgId }) => `${from} ${code} ${msgId}`,
    );

  it('are the last of each kind and thread, by the time they were sent', async () => {
    await write(
      marker(ROMEO, JULIET, 'a', 10),
      marker(ROMEO, JULIET, 'b', 12),
      marker(ROMEO, JULIET, 'r', 11, '', 'R'),
      marker(ROMEO, JULIET, 't', 13, 'thread'),
      marker(JULIET, ROMEO, 'j', 14),
    );
    await write(marker(ROMEO, JULIET, 'late', 11));
    expect(await get('own')).toEqual(['romeo@localhost R r', 'romeo@localhost D b']);
    expect(await get('both')).toEqual(['juliet@localhost D j', 'romeo@localhost R r', 'romeo@localhost D b']);
    expect(await get('both', JULIET, 'thread')).toEqual(['romeo@localhost D t']);
    expect(await get('both', JULIET, '', 12)).toEqual(['juliet@localhost D j']);
    expect(await get('own', JULIET, '', 0, 1)).toEqual(['romeo@localhost D b']);
    expect(await get('own', ['localhost', '__proto__'])).toEqual([]);
  });

  it('in a room are those of all who belong to it', async () => {
    await write(marker(ROMEO, ROOM, 'a', 10), marker(JULIET, ROOM, 'b', 11), marker(ROMEO, JULIET, 'c', 12));
    expect(await get('all', ROOM)).toEqual(['juliet@localhost D b', 'romeo@localhost D a']);
    expect(await ask('smart_markers_keep_members', ROOM, ['juliet@localhost'])).toBe(1);
    expect(await get('all', ROOM)).toEqual(['juliet@localhost D b']);
    expect(await ask('smart_markers_forget_room', ROOM)).toBe(1);
    expect(await get('all', ROOM)).toEqual([]);
    expect(await get('own')).toEqual(['romeo@localhost D c']);
  });

  it('go with the user, from whom and to whom they were; what was sent before comes too late', async () => {
    await write(
      marker(ROMEO, JULIET, 'a', 10, 't'),
      marker(JULIET, ROMEO, 'b', 11),
      marker(JULIET, ROOM, 'c', 12),
    );
    expect(await ask('smart_markers_list', ...ROMEO)).toEqual([
      { to: 'juliet@localhost', thread: 't', code: 'D', msgId: 'a', timestamp: 10 },
    ]);
    expect(await ask('smart_markers_remove_user', ...ROMEO)).toBe(2);
    const before = Date.now() * 1000 - 1_000_000;
    await write(marker(ROMEO, JULIET, 'd', before), marker(JULIET, ROMEO, 'e', before));
    expect(await get('both')).toEqual([]);
    expect((await ask('smart_markers_list', ...JULIET)).length).toBe(1);
  });

  it('go with the domain, in steps', async () => {
    const far: MarkerParty = ['verona.example', 'paris'];
    await write(marker(ROMEO, JULIET, 'a', 10), marker(far, ROMEO, 'b', 11), marker(far, far, 'c', 12));
    expect(await ask('smart_markers_remove_domain', 'localhost', 1)).toBe(1);
    expect(await ask('smart_markers_remove_domain', 'localhost', 5)).toBe(1);
    expect(await ask('smart_markers_remove_domain', 'localhost', 5)).toBe(0);
    expect((await ask('smart_markers_list', ...far)).map(({ msgId }) => msgId)).toEqual(['c']);
  });

  it('that absent users have missed are the last ones since they were missed first', async () => {
    await write(
      marker(ROMEO, JULIET, 'seen', 5, '', 'R'),
      marker(ROMEO, JULIET, 'a', 10),
      marker(ROMEO, ROOM, 'r', 11, 't'),
      marker(JULIET, ROOM, 'own', 12, 't'),
    );
    await ask('offline_markers_note', [
      [...JULIET, '', '', 8],
      [...JULIET, '', '', 10],
      [...JULIET, 't', 'garden@muc.localhost', 11],
    ]);
    const { conversations, markers } = await ask('offline_markers_get', ...JULIET, 100);
    expect(conversations).toEqual([
      ['', '', 10],
      ['t', 'garden@muc.localhost', 11],
    ]);
    const from = 'romeo@localhost';
    expect(markers).toEqual([
      { thread: '', room: '', from, code: 'D', msgId: 'a', timestamp: 10 },
      { thread: 't', room: 'garden@muc.localhost', from, code: 'D', msgId: 'r', timestamp: 11 },
    ]);
    expect(await ask('offline_markers_list', ...JULIET)).toEqual([
      { thread: '', room: '', since: 8 },
      { thread: 't', room: 'garden@muc.localhost', since: 11 },
    ]);
    // Something was missed while these were delivered.
    await ask('offline_markers_note', [[...JULIET, '', '', 20]]);
    expect(await ask('offline_markers_delivered', ...JULIET, conversations)).toBe(1);
    expect((await ask('offline_markers_get', ...JULIET, 100)).conversations).toEqual([['', '', 20]]);
    expect((await ask('offline_markers_get', ...ROMEO, 100)).conversations).toEqual([]);
  });

  it('that were missed go with user and domain', async () => {
    await ask('offline_markers_note', [
      [...JULIET, '', '', 8],
      [...JULIET, 't', '', 8],
      [...ROMEO, '', '', 8],
      ['verona.example', 'paris', '', '', 8],
    ]);
    expect(await ask('offline_markers_remove_user', ...ROMEO)).toBe(1);
    expect(await ask('offline_markers_remove_domain', 'localhost', 1)).toBe(1);
    expect(await ask('offline_markers_remove_domain', 'localhost', 9)).toBe(1);
    expect((await ask('offline_markers_list', 'verona.example', 'paris')).length).toBe(1);
  });

  if (name === 'SQLite') {
    it('have limits for each user: of markers the oldest go, of missed conversations no more are noted', async () => {
      for (let i = 0; i < MARKERS_MAX + 500; i += 500) {
        await write(
          ...Array.from({ length: 500 }, (_, n) => marker(ROMEO, JULIET, `${i + n}`, i + n, `${i + n}`)),
        );
      }
      const list = await ask('smart_markers_list', ...ROMEO);
      expect(list.length).toBeLessThanOrEqual(MARKERS_MAX);
      expect(list.length).toBeGreaterThan(MARKERS_MAX - 200);
      expect(Math.min(...list.map(({ timestamp }) => timestamp))).toBeGreaterThanOrEqual(500);
      const missed = Array.from({ length: MISSED_MAX + 10 }, (_, i) => [...ROMEO, `${i}`, '', i] as const);
      await ask('offline_markers_note', missed);
      expect((await ask('offline_markers_list', ...ROMEO)).length).toBe(MISSED_MAX);
    });
  }
});
