import { beforeEach, describe, expect, it } from 'vitest';
import { HostType } from '../../../src/hooks/host-type.ts';
import { HookRegistry } from '../../../src/hooks/registry.ts';
import { Existence } from '../../../src/shard/existence.ts';
import { jid } from '../hooks/fakes.ts';

/** Whether accounts exist, while the store that knows it comes and goes. */

const JULIET = jid('juliet@localhost');

describe('existence', () => {
  /** Questions that wait for an answer. */
  let asked: ((answer: 'yes' | 'no' | 'unknown') => void)[];
  let existence: Existence;
  let hostType: HostType;

  beforeEach(() => {
    asked = [];
    existence = new Existence(() => true);
    const registry = new HookRegistry({ deadlineMs: 50, failed: () => {} });
    registry.add('does_user_exist', 'localhost', 50, 'ejabberd_auth', async (_known, params) => {
      existence.undecided(params);
      const answer = await new Promise<string>((resolve) => asked.push(resolve));
      if (answer !== 'unknown') existence.decided(params);
      return answer === 'yes';
    });
    hostType = new HostType('localhost', registry.compile('localhost'));
  });

  const ask = (): Promise<boolean> => Promise.resolve(existence.has(hostType, JULIET, 'stored'));

  it('is remembered, both ways', async () => {
    const answer = ask();
    asked[0]!('no');
    expect(await answer).toBe(false);
    expect(existence.known(JULIET)).toBe(false);
    existence.forget(JULIET.bare);
    const again = ask();
    asked[1]!('yes');
    expect(await again).toBe(true);
    expect(await ask()).toBe(true);
    expect(asked).toHaveLength(2);
  });

  it('is not denied to anybody of several who asked when the store died', async () => {
    const answers = [ask(), ask(), ask()];
    // All requests that are under way fail in one moment.
    for (const answer of asked) answer('unknown');
    expect(await Promise.all(answers)).toEqual([true, true, true]);
    expect(existence.known(JULIET)).toBeUndefined();
  });

  it('is not denied by a store that takes longer than hooks may', async () => {
    expect(await ask()).toBe(true);
    expect(existence.known(JULIET)).toBeUndefined();
  });

  it('is asked for again once the store is back', async () => {
    const answer = ask();
    asked[0]!('unknown');
    expect(await answer).toBe(true);
    const again = ask();
    asked[1]!('no');
    expect(await again).toBe(false);
    expect(existence.known(JULIET)).toBe(false);
  });
});
