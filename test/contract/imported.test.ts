import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ImportedMessage, StoredContact } from '../../src/store/operations.ts';
import { DRIVERS, useStore } from './drivers.ts';

/** What comes from other servers, in every store. */

const LIMITS = { contacts: 3, requests: 2 };
const NOW = 1_800_000_000_000_000;

function contact(jid: string, more: Partial<StoredContact> = {}): StoredContact {
  return {
    jid,
    name: '',
    groups: [],
    subscription: 'none',
    ask: 'none',
    askMessage: '',
    isApproved: false,
    isListed: true,
    extra: '',
    ...more,
  };
}

function request(jid: string, askMessage = ''): StoredContact {
  return contact(jid, { ask: 'in', isListed: false, askMessage });
}

function message(text: string, timestamp: number, ordinal = 0): ImportedMessage {
  const packet = Buffer.from(`<message><body>${text}</body></message>`);
  const digest = createHash('sha256').update(`${text} ${ordinal}`).digest().subarray(0, 12);
  const to = 'juliet@localhost';
  return { message: { timestamp, from: 'romeo@localhost/o', to, packet, keys: [] }, expires: null, digest };
}

describe.each(DRIVERS)('imports into a store (%s)', (_name, open) => {
  const ask = useStore(open);
  const take = async (...contacts: StoredContact[]) =>
    (await ask('roster_import', 'localhost', 'juliet', contacts, LIMITS, NOW)).map(({ outcome }) => outcome);
  const roster = async () => (await ask('roster_get', 'localhost', 'juliet')).contacts;
  const bring = (
    messages: ImportedMessage[],
    messagesMax: number | null = null,
    bytesMax: number | null = null,
  ) => ask('offline_import', 'localhost', 'juliet', messages, messagesMax, bytesMax);
  const stored = async () =>
    (await ask('offline_page', 'localhost', 'juliet', null, 100, 100_000)).map(
      ({ packet }) => /<body>(.*)<\/body>/.exec(Buffer.from(packet).toString())![1],
    );

  describe('rosters', () => {
    const romeo = contact('romeo@localhost', {
      name: 'R',
      groups: ['a', 'b'],
      subscription: 'both',
      extra: '<x/>',
    });
    const nurse = contact('nurse@localhost', { subscription: 'none', ask: 'out', isApproved: true });

    it('take contacts as they are, once', async () => {
      expect(await take(romeo, nurse)).toEqual(['taken', 'taken']);
      expect(await roster()).toEqual([nurse, romeo]);
      const { version } = await ask('roster_get', 'localhost', 'juliet');
      expect(await take(romeo, { ...nurse, groups: [] })).toEqual(['known', 'known']);
      expect(await ask('roster_get', 'localhost', 'juliet')).toMatchObject({ version });
    });

    it('keep what is there and different', async () => {
      await take(romeo);
      for (const other of [
        { ...romeo, name: 'Romeo' },
        { ...romeo, subscription: 'to' as const },
        { ...romeo, groups: ['a'] },
        { ...romeo, extra: '' },
        { ...romeo, subscription: 'none' as const, ask: 'out' as const },
      ])
        expect(await take(other)).toEqual(['differs']);
      expect(await take({ ...romeo, groups: ['b', 'a'] })).toEqual(['known']);
      expect(await roster()).toEqual([romeo]);
    });

    it('take requests, beside a contact and before it', async () => {
      const asking = { ...nurse, isApproved: false };
      expect(await take(asking, request('nurse@localhost', 'Please'))).toEqual(['taken', 'taken']);
      expect(await roster()).toEqual([{ ...asking, ask: 'both', askMessage: 'Please' }]);
      expect(await take(request('paris@localhost', 'Hi'), contact('paris@localhost', { name: 'P' }))).toEqual(
        ['taken', 'taken'],
      );
      expect((await roster())[1]).toEqual(
        contact('paris@localhost', { name: 'P', ask: 'in', askMessage: 'Hi' }),
      );
      // In any order, once more.
      expect(
        await take(
          request('paris@localhost', 'Hi'),
          asking,
          request('nurse@localhost', 'Please'),
          contact('paris@localhost', { name: 'P' }),
        ),
      ).toEqual(['known', 'known', 'known', 'known']);
    });

    it('take no request of somebody who has what he asks for, or is approved', async () => {
      await take(romeo, nurse);
      expect(await take(request('romeo@localhost'), request('nurse@localhost'))).toEqual(['known', 'known']);
      await take(request('paris@localhost'));
      // He was granted it at the other server.
      expect(await take(contact('paris@localhost', { subscription: 'from' }))).toEqual(['taken']);
      expect((await roster()).map(({ ask: asked }) => asked)).toEqual(['out', 'none', 'none']);
    });

    it('have the limits that they have', async () => {
      const four = ['a', 'b', 'c', 'd'].map((name) => contact(`${name}@localhost`));
      expect(await take(...four)).toEqual(['taken', 'taken', 'taken', 'full']);
      const three = ['x', 'y', 'z'].map((name) => request(`${name}@localhost`));
      expect(await take(...three)).toEqual(['taken', 'taken', 'full']);
      expect(await take(contact('x@localhost'))).toEqual(['full']);
      expect(await roster()).toHaveLength(5);
    });
  });

  describe('messages', () => {
    it('are taken in order of time, once', async () => {
      expect(await bring([message('b', 2), message('a', 1)])).toEqual(['stored', 'stored']);
      expect(await bring([message('a', 1), message('c', 3)])).toEqual(['known', 'stored']);
      expect(await stored()).toEqual(['a', 'b', 'c']);
      expect(await ask('offline_count', 'localhost', 'juliet')).toBe(3);
    });

    it('are not taken again when they have been delivered', async () => {
      await bring([message('a', 1)]);
      const claimant = [0, 1, 1] as const;
      const claimed = await ask('offline_claim', 'localhost', 'juliet', claimant, 0, 10);
      if ('heldBy' in claimed) throw new Error('held');
      const ids = claimed.messages.map(({ id }) => id);
      await ask('offline_confirm', 'localhost', 'juliet', claimant, ids);
      expect(await bring([message('a', 1), message('a', 1, 1)])).toEqual(['known', 'stored']);
    });

    it('have the limits that others have; what did not fit is taken later', async () => {
      expect(await bring([message('a', 1), message('b', 2), message('c', 3)], 2)).toEqual([
        'stored',
        'stored',
        'full',
      ]);
      expect(await bring([message('c', 3)], null, 1)).toEqual(['full']);
      expect(await bring([message('a', 1), message('c', 3)], 3)).toEqual(['known', 'stored']);
    });

    it('are forgotten with the account, and the domain', async () => {
      await bring([message('a', 1)]);
      await ask('offline_remove_user', 'localhost', 'juliet');
      expect(await bring([message('a', 1)])).toEqual(['stored']);
      await ask('offline_remove_domain', 'localhost');
      expect(await bring([message('a', 1)])).toEqual(['stored']);
    });
  });

  it('pages of messages are complete, also where many have the same time', async () => {
    await bring(Array.from({ length: 25 }, (_unused, i) => message(`m${i}`, Math.floor(i / 10))));
    const seen: number[] = [];
    let after: [number, number] | null = null;
    for (;;) {
      const page: { timestamp: number; id: number }[] = await ask(
        'offline_page',
        'localhost',
        'juliet',
        after,
        4,
        90,
      );
      if (page.length === 0) break;
      expect(page.length).toBeLessThan(4);
      seen.push(...page.map(({ id }) => id));
      after = [page.at(-1)!.timestamp, page.at(-1)!.id];
    }
    expect(new Set(seen).size).toBe(25);
    expect(seen).toHaveLength(25);
  });
});
