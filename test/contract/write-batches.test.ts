import { describe, expect, it } from 'vitest';
import type { WriteBatchId } from '../../src/store/operations/writes.ts';
import { DRIVERS, useStore } from './drivers.ts';

/** Batches of writes, each made once. */

const set = (key: string): [string, unknown[]] => ['value_set', ['mod_x', 'scope', key, 1]];

describe.each(DRIVERS)('batches of writes (%s)', (_name, open) => {
  const ask = useStore(open);
  const keys = async (): Promise<string[]> =>
    (await ask('value_list', 'mod_x', 'scope', '', 100)).map(([key]) => key);

  it('give what each write returned', async () => {
    const insert = ['account_insert', ['localhost', 'romeo', 'details', 1]] as [string, unknown[]];
    expect(await ask('write_all', [0, 1, 1], [insert, insert, set('a')], false)).toEqual([
      'ok',
      'exists',
      null,
    ]);
    expect(await keys()).toEqual(['a']);
  });

  it('are written once, however often they are asked for, with the same answer', async () => {
    const insert = ['account_insert', ['localhost', 'juliet', 'details', 1]] as [string, unknown[]];
    expect(await ask('write_all', [0, 5, 1], [insert], false)).toEqual(['ok']);
    expect(await ask('write_all', [0, 5, 1], [insert], false)).toEqual(['ok']);
    await ask('value_delete', 'mod_x', 'scope', 'a');
    expect(await ask('write_all', [0, 5, 2], [insert], false)).toEqual(['exists']);
  });

  it('of another shard, another life of the same one, or another number are others', async () => {
    const ids: WriteBatchId[] = [
      [0, 1, 1],
      [1, 1, 1],
      [1, 2, 1],
      [1, 2, 2],
    ];
    for (const [i, id] of ids.entries()) await ask('write_all', id, [set(`k${i}`)], false);
    expect(await keys()).toEqual(['k0', 'k1', 'k2', 'k3']);
  });

  it('are made in their order: one whose predecessor was not done is not', async () => {
    await ask('write_all', [0, 1, 1], [set('a')], false);
    for (const isSuspect of [false, true]) {
      const early = ask('write_all', [0, 1, 3], [set('c')], isSuspect);
      await expect(early).rejects.toMatchObject({ failure: 'undone' });
    }
    expect(await keys()).toEqual(['a']);
    for (const [number, key] of [
      [2, 'b'],
      [3, 'c'],
      [2, 'x'],
    ] as const) {
      await ask('write_all', [0, 1, number], [set(key)], false);
    }
    // The next life of the shard begins anew.
    await expect(ask('write_all', [0, 2, 4], [set('x')], false)).rejects.toMatchObject({ failure: 'undone' });
    await ask('write_all', [0, 2, 1], [set('d')], false);
    expect(await keys()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('of which one write is impossible may take with them what else is in the transaction; nothing of it is made then', async () => {
    const before = ask('value_set', 'mod_x', 'scope', 'before', 1);
    const batch = ask('write_all', [0, 1, 1], [set('a'), ['no_such_operation', []]], false);
    const next = ask('write_all', [0, 1, 2], [set('b')], false);
    await expect(batch).rejects.toMatchObject({ failure: 'fault' });
    await expect(next).rejects.toMatchObject({ failure: 'undone' });
    if (_name !== 'SQLite') return;
    await expect(before).rejects.toMatchObject({ failure: 'undone' });
    expect(await keys()).toEqual([]);
  });

  it('that are suspect, of which one write is impossible, are not made, and what else is written in the same transaction is', async () => {
    const [batch, other] = [
      ask('write_all', [0, 1, 1], [set('a'), ['no_such_operation', []], set('b')], true),
      ask('value_set', 'mod_x', 'scope', 'c', 1),
    ];
    await expect(batch).rejects.toMatchObject({ failure: 'fault' });
    await other;
    // What holds a batch together is the database's; a store that forgets everything anyway need not have it.
    if (_name === 'SQLite') expect(await keys()).toEqual(['c']);
    expect(await ask('write_all', [0, 1, 1], [set('d')], false)).toEqual([null]);
  });

  it('a probe writes nothing that anybody sees', async () => {
    expect(await ask('write_probe')).toBe(null);
    expect(await keys()).toEqual([]);
  });
});
