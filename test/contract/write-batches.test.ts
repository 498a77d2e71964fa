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
    expect(await ask('write_all', [0, 1, 1], [insert, insert, set('a')])).toEqual(['ok', 'exists', null]);
    expect(await keys()).toEqual(['a']);
  });

  it('are written once, however often they are asked for, with the same answer', async () => {
    const insert = ['account_insert', ['localhost', 'juliet', 'details', 1]] as [string, unknown[]];
    expect(await ask('write_all', [0, 5, 1], [insert])).toEqual(['ok']);
    expect(await ask('write_all', [0, 5, 1], [insert])).toEqual(['ok']);
    await ask('value_delete', 'mod_x', 'scope', 'a');
    expect(await ask('write_all', [0, 5, 2], [insert])).toEqual(['exists']);
  });

  it('of another shard, another life of the same one, or another number are others', async () => {
    const ids: WriteBatchId[] = [
      [0, 1, 1],
      [1, 1, 1],
      [1, 2, 1],
      [1, 2, 2],
    ];
    for (const [i, id] of ids.entries()) await ask('write_all', id, [set(`k${i}`)]);
    expect(await keys()).toEqual(['k0', 'k1', 'k2', 'k3']);
  });

  it('of which one write is impossible are not made, and what else is written in the same transaction is', async () => {
    const [batch, other] = [
      ask('write_all', [0, 1, 1], [set('a'), ['no_such_operation', []], set('b')]),
      ask('value_set', 'mod_x', 'scope', 'c', 1),
    ];
    await expect(batch).rejects.toMatchObject({ failure: 'fault' });
    await other;
    // What holds a batch together is the database's; a store that forgets everything anyway need not have it.
    if (_name === 'SQLite') expect(await keys()).toEqual(['c']);
    expect(await ask('write_all', [0, 1, 1], [set('d')])).toEqual([null]);
  });

  it('a probe writes nothing that anybody sees', async () => {
    expect(await ask('write_probe')).toBe(null);
    expect(await keys()).toEqual([]);
  });
});
