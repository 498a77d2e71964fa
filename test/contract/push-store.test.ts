import { describe, expect, it } from 'vitest';
import { DRIVERS, useStore } from './drivers.ts';

/** What every store does with those who are told of messages. */

const ROMEO = ['localhost', 'romeo'] as const;
/** As times of requests are: microseconds since the epoch. */
const now = (): number => Date.now() * 1000;

describe.each(DRIVERS)('push services in a store (%s)', (_name, open) => {
  const ask = useStore(open);

  function enable(
    service: string,
    node: string,
    form: [string, string][] | null = null,
    nodesMax = 10,
    timestamp = now(),
  ): Promise<string> {
    return ask('push_enable', ...ROMEO, { service, node, form }, timestamp, nodesMax);
  }

  async function nodes(domain = 'localhost', username = 'romeo'): Promise<string[]> {
    return (await ask('push_list', domain, username)).map(({ service, node }) => `${service} ${node}`);
  }

  it('an account has none at first', async () => {
    expect(await nodes()).toEqual([]);
    expect(await ask('push_disable', ...ROMEO, 'a.test', null)).toBe(0);
  });

  it('the earliest comes first; one that is enabled again has the new options, and its place', async () => {
    await enable('b.test', 'one', [
      ['x', '1'],
      ['a', '2'],
    ]);
    await enable('a.test', 'two', null, 10, now() + 5_000);
    await enable('b.test', 'one', [['y', 'ü']], 10, now() + 10_000);
    expect(await ask('push_list', ...ROMEO)).toEqual([
      { service: 'b.test', node: 'one', form: [['y', 'ü']] },
      { service: 'a.test', node: 'two', form: null },
    ]);
  });

  it('no more than so many, but those again', async () => {
    expect(await enable('a.test', 'one', null, 2)).toBe('ok');
    expect(await enable('b.test', 'one', null, 2)).toBe('ok');
    expect(await enable('a.test', 'two', null, 2)).toBe('full');
    expect(await enable('a.test', 'one', [['x', '1']], 2)).toBe('ok');
    expect(await nodes()).toHaveLength(2);
  });

  it('one is disabled, or all of a service', async () => {
    for (const node of ['one', 'two', 'three']) await enable('a.test', node);
    await enable('b.test', 'one');
    await ask(
      'push_enable',
      'localhost',
      'juliet',
      { service: 'a.test', node: 'one', form: null },
      now(),
      10,
    );
    expect(await ask('push_disable', ...ROMEO, 'a.test', 'two')).toBe(1);
    expect((await nodes()).sort()).toEqual(['a.test one', 'a.test three', 'b.test one']);
    expect(await ask('push_disable', ...ROMEO, 'a.test', null)).toBe(2);
    expect(await nodes()).toEqual(['b.test one']);
    expect(await nodes('localhost', 'juliet')).toEqual(['a.test one']);
  });

  it('an account takes its own along, and what was asked for before it went comes too late', async () => {
    const before = now();
    await enable('a.test', 'one');
    expect(await ask('push_remove_user', ...ROMEO)).toBe(1);
    expect(await enable('a.test', 'two', null, 10, before)).toBe('gone');
    expect(await nodes()).toEqual([]);
    expect(await enable('a.test', 'two', null, 10, now() + 2_000_000)).toBe('ok');
  });

  it('a domain takes its own along, and no others', async () => {
    const before = now();
    await enable('a.test', 'one');
    const elsewhere = { service: 'a.test', node: 'one', form: null };
    await ask('push_enable', 'montague.example', 'romeo', elsewhere, before, 10);
    expect(await ask('push_remove_domain', 'localhost')).toBe(1);
    expect(await enable('a.test', 'two', null, 10, before)).toBe('gone');
    expect(await nodes()).toEqual([]);
    expect(await nodes('montague.example')).toEqual(['a.test one']);
  });
});
