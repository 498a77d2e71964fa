import { describe, expect, it } from 'vitest';
import { ARCHIVE_EXPORT_BYTES } from '../../src/store/operations/archive.ts';
import {
  type ArchivedPage,
  type ArchivePageQuery,
  type ArchiveRecord,
  ArchiveSide,
  type ArchiveSweep,
} from '../../src/store/operations.ts';
import { stableIdText } from '../../src/xmpp/stable-id.ts';
import { DRIVERS, PARTITIONED, useStore } from './drivers.ts';

/** What every store does with archives. */

const ROMEO = 'romeo@localhost';
const JULIET = 'juliet@localhost';
const NURSE = 'nurse@verona.example';
const BOTH = ArchiveSide.SENDER | ArchiveSide.RECIPIENT;
const FIRST = 1_800_000_000_000_000;
/** A moment before which accounts were removed: their messages were sent later. */
const LATER = 4_000_000_000_000_000;

const id = (n: number, shard = 0): bigint => BigInt(FIRST + n) * 256n + BigInt(shard);
const packet = (text: string): Buffer => Buffer.from(`<message type='chat'><body>${text}</body></message>`);

function record(n: number, fields: Partial<ArchiveRecord> = {}): ArchiveRecord {
  return {
    micros: FIRST + n,
    shard: 0,
    sides: BOTH,
    from: `${ROMEO}/orchard`,
    to: JULIET,
    packet: packet(`number ${n}`),
    originId: null,
    isGroupchat: false,
    isSearchable: true,
    ...fields,
  };
}

function query(fields: Partial<ArchivePageQuery> = {}): ArchivePageQuery {
  return { owner: ROMEO, includeGroupchat: true, isBackward: false, limit: 10, isCounted: false, ...fields };
}

const ids = ({ messages }: ArchivedPage): bigint[] => messages.map((message) => message.id);

describe.each([...DRIVERS, ...PARTITIONED])('archives (%s)', (_name, open, partitions = 1) => {
  const ask = useStore(open, partitions as number);
  const append = (...records: ArchiveRecord[]) => ask('archive_append', records);
  const page = (fields: Partial<ArchivePageQuery> = {}) => ask('archive_page', query(fields));
  const found = async (fields: Partial<ArchivePageQuery> = {}) => ids(await page(fields));

  async function toEnd(step: (cursor: string) => Promise<ArchiveSweep>): Promise<number> {
    let removed = 0;
    for (let cursor: string | null = ''; cursor !== null; ) {
      const sweep: ArchiveSweep = await step(cursor);
      removed += sweep.removed;
      cursor = sweep.cursor;
    }
    return removed;
  }

  it('give back what was archived, to both sides, oldest first', async () => {
    await append(record(2, { from: JULIET, to: ROMEO }), record(1, { shard: 7 }));
    const messages = [
      { id: id(1, 7), from: 'romeo@localhost/orchard', to: 'juliet@localhost', packet: packet('number 1') },
      { id: id(2), from: 'juliet@localhost', to: 'romeo@localhost', packet: packet('number 2') },
    ];
    const whole = { messages, total: null, offset: null, hasMore: false, anchor: 'known' };
    expect(await page()).toEqual(whole);
    expect(await page({ owner: JULIET })).toEqual(whole);
    expect(await page({ owner: NURSE })).toEqual({ ...whole, messages: [] });
    expect(await ask('archive_range', ROMEO)).toEqual({ first: id(1, 7), last: id(2) });
    expect(await ask('archive_range', NURSE)).toBeNull();
    expect(await ask('archive_size', ROMEO)).toBe(2);
    expect(await ask('archive_size', NURSE)).toBe(0);
  });

  it('keep what only one side wants for that side', async () => {
    await append(record(1, { sides: ArchiveSide.SENDER }), record(2, { sides: ArchiveSide.RECIPIENT }));
    expect(await found()).toEqual([id(1)]);
    expect(await found({ owner: JULIET })).toEqual([id(2)]);
    expect(await found({ with: { bare: JULIET } })).toEqual([id(1)]);
    expect(await found({ owner: JULIET, with: { bare: ROMEO } })).toEqual([id(2)]);
    await append(record(1, { sides: ArchiveSide.RECIPIENT }), record(3, { sides: 0 }));
    expect(await found()).toEqual([id(1)]);
    expect(await found({ owner: JULIET })).toEqual([id(1), id(2)]);
  });

  it('archive a message once, however often it comes', async () => {
    await append(record(1), record(1));
    await append(record(1, { packet: packet('something else') }));
    expect(await page()).toMatchObject({ messages: [{ packet: packet('number 1') }] });
    expect(await found({ words: ['number'] })).toEqual([id(1)]);
  });

  it('have a message to oneself once', async () => {
    await append(
      record(1, { to: `${ROMEO}/balcony` }),
      record(2, { to: ROMEO, sides: ArchiveSide.RECIPIENT }),
    );
    expect(await page({ isCounted: true })).toMatchObject({ total: 2, offset: 0 });
    expect(await found({ with: { bare: ROMEO } })).toEqual([id(1), id(2)]);
    expect(await found({ with: { bare: ROMEO, resource: 'balcony' } })).toEqual([id(1)]);
  });

  it('find the messages with a peer, whichever resource, or with one resource', async () => {
    await append(
      record(1),
      record(2, { to: `${JULIET}/balcony` }),
      record(3, { from: `${JULIET}/balcony`, to: ROMEO }),
      record(4, { to: NURSE }),
      record(5, { from: `${JULIET}/chamber`, to: `${ROMEO}/balcony` }),
    );
    expect(await found({ with: { bare: JULIET } })).toEqual([id(1), id(2), id(3), id(5)]);
    expect(await found({ with: { bare: JULIET, resource: 'balcony' } })).toEqual([id(2), id(3)]);
    expect(await found({ with: { bare: 'stranger@localhost' } })).toEqual([]);
    expect(await found({ owner: JULIET, with: { bare: NURSE } })).toEqual([]);
  });

  it('find messages between times and ids', async () => {
    await append(...[1, 2, 3, 4, 5].map((n) => record(n, { shard: n })));
    expect(await found({ start: FIRST + 2, end: FIRST + 4 })).toEqual([id(2, 2), id(3, 3), id(4, 4)]);
    expect(await found({ start: FIRST + 1.5, end: FIRST + 2.5 })).toEqual([id(2, 2)]);
    expect(await found({ start: LATER })).toEqual([]);
    expect(await found({ end: -5 })).toEqual([]);
    expect(await found({ start: Number.POSITIVE_INFINITY })).toEqual([]);
    expect(await found({ start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY })).toHaveLength(5);
    expect(await found({ afterId: id(2, 2), beforeId: id(5, 5) })).toEqual([id(3, 3), id(4, 4)]);
    expect(await found({ fromId: id(2, 2), toId: id(3, 200) })).toEqual([id(2, 2), id(3, 3)]);
    expect(await found({ fromId: 1n << 63n })).toEqual([]);
    expect(await found({ toId: -1n })).toEqual([]);
    expect(await found({ fromId: -(1n << 60n), toId: (1n << 63n) - 1n, limit: 2 })).toEqual([
      id(1, 1),
      id(2, 2),
    ]);
  });

  it('leave out what is younger than the query, unless clocks were set back', async () => {
    await append(...[1, 2, 3].map((n) => record(n, { shard: n })));
    expect(await page({ until: FIRST + 2, isCounted: true })).toMatchObject({ total: 2, hasMore: false });
    expect(await found({ until: FIRST + 2 })).toEqual([id(1, 1), id(2, 2)]);
    expect(await found({ until: FIRST + 2, isBackward: true, limit: 1 })).toEqual([id(2, 2)]);
    expect(await found({ until: FIRST + 2, pageAfter: id(2, 2) })).toEqual([]);
    expect(await found({ until: FIRST + 2, pageAfter: id(3, 3) })).toEqual([]);
    expect(await found({ until: FIRST + 2, words: ['number'] })).toEqual([id(1, 1), id(2, 2)]);
    await append(record(70_000_000));
    expect(await found({ until: FIRST + 2 })).toEqual([id(1, 1), id(2, 2), id(3, 3), id(70_000_000)]);
  });

  it('leave group chats out on request', async () => {
    await append(record(1), record(2, { isGroupchat: true, from: NURSE, to: ROMEO }));
    expect(await page({ isCounted: true })).toMatchObject({ total: 2 });
    const withoutThem = await page({ includeGroupchat: false, isCounted: true });
    expect(withoutThem).toMatchObject({ messages: [{ id: id(1) }], total: 1 });
    expect(await found({ includeGroupchat: false, with: { bare: NURSE } })).toEqual([]);
    expect(await found({ includeGroupchat: false, words: ['number'] })).toEqual([id(1)]);
    expect(await found({ with: { bare: NURSE } })).toEqual([id(2)]);
  });

  describe('by pages', () => {
    const ALL = [1, 2, 3, 4, 5, 6, 7];
    const fill = () => append(...ALL.map((n) => record(n)));

    it('forwards and backwards', async () => {
      await fill();
      expect(await page({ limit: 3, isCounted: true })).toMatchObject({ total: 7, offset: 0, hasMore: true });
      expect(await found({ limit: 3, pageAfter: id(3) })).toEqual([id(4), id(5), id(6)]);
      const last = await page({ limit: 3, pageAfter: id(6), isCounted: true });
      expect(last).toMatchObject({ messages: [{ id: id(7) }], total: 7, offset: 6, hasMore: false });
      const end = await page({ limit: 3, isBackward: true, isCounted: true });
      expect(ids(end)).toEqual([id(5), id(6), id(7)]);
      expect(end).toMatchObject({ total: 7, offset: 4, hasMore: true });
      const start = await page({ limit: 4, isBackward: true, pageBefore: id(5), isCounted: true });
      expect(ids(start)).toEqual([id(1), id(2), id(3), id(4)]);
      expect(start).toMatchObject({ total: 7, offset: 0, hasMore: false });
    });

    it('between two messages', async () => {
      await fill();
      const borders = { pageAfter: id(2), pageBefore: id(6), limit: 2 };
      expect(await found(borders)).toEqual([id(3), id(4)]);
      expect(await found({ ...borders, isBackward: true })).toEqual([id(4), id(5)]);
    });

    it('by position', async () => {
      await fill();
      const some = await page({ index: 4, limit: 2, isCounted: true });
      expect(some).toMatchObject({ messages: [{ id: id(5) }, { id: id(6) }], total: 7, offset: 4 });
      expect(await page({ index: 7, isCounted: true })).toMatchObject({
        messages: [],
        total: 7,
        offset: null,
        hasMore: false,
      });
      expect(await found({ index: 1, words: ['number'], limit: 1 })).toEqual([id(2)]);
      expect(await found({ index: 0, fromId: id(3), limit: 1 })).toEqual([id(3)]);
    });

    it('of no message at all, when only the number is wanted', async () => {
      await fill();
      expect(await page({ limit: 0, isCounted: true })).toMatchObject({
        messages: [],
        total: 7,
        hasMore: true,
      });
    });

    it('behind the last and before the first, which are empty', async () => {
      await fill();
      expect(await page({ pageAfter: id(7), isCounted: true })).toMatchObject({ messages: [], total: 7 });
      expect(await page({ pageBefore: id(1), isBackward: true })).toMatchObject({
        messages: [],
        hasMore: false,
        anchor: 'known',
      });
    });

    it('but not at a message that the archive lacks (XEP-0313 §4.1.4, §4.3)', async () => {
      await fill();
      await append(record(9, { from: JULIET, to: NURSE }));
      for (const border of ['pageAfter', 'pageBefore', 'afterId', 'beforeId']) {
        for (const gone of [id(8), id(9), 0n, -1n, 1n << 63n, 1n << 80n]) {
          // What lies beyond 64 bits cannot even be asked for.
          if (gone >= 1n << 64n) continue;
          expect(await page({ [border]: gone }), `${border} ${gone}`).toMatchObject({
            messages: [],
            anchor: 'unknown',
          });
        }
      }
      expect(await page({ owner: NURSE, pageAfter: id(1) })).toMatchObject({ anchor: 'unknown' });
      expect(await page({ owner: 'nobody@localhost', pageAfter: id(1) })).toMatchObject({
        anchor: 'unknown',
      });
      expect(await page({ fromId: id(8), toId: id(20) })).toMatchObject({ anchor: 'known' });
    });
  });

  it('give single messages and exports', async () => {
    await append(record(1), record(2), record(3), record(4, { from: JULIET, to: NURSE }));
    const some = await ask('archive_get', ROMEO, [id(3), id(1), id(3), id(4), id(99), 1n << 63n]);
    expect(some.map((message) => message.id)).toEqual([id(1), id(3)]);
    const behind = await ask('archive_export', ROMEO, id(1), 5);
    expect(behind.map((message) => message.id)).toEqual([id(2), id(3)]);
    expect(await ask('archive_export', ROMEO, 0n, 1)).toMatchObject([{ id: id(1) }]);
    expect(await ask('archive_export', ROMEO, -1n, 1)).toMatchObject([{ id: id(1) }]);
    expect(await ask('archive_export', 'nobody@localhost', 0n, 1)).toEqual([]);
  });

  it('are exported in pieces that are not too large; what is larger by itself, too', async () => {
    const long = (n: number, bytes: number): ArchiveRecord =>
      record(n, { packet: packet('x'.repeat(bytes)) });
    await append(
      long(1, ARCHIVE_EXPORT_BYTES / 2 - 1_000),
      long(2, ARCHIVE_EXPORT_BYTES / 2 - 1_000),
      long(3, 5_000),
      long(4, ARCHIVE_EXPORT_BYTES + 1),
      long(5, 1),
    );
    const pieces: bigint[][] = [];
    for (let after = 0n; ; after = pieces.at(-1)!.at(-1)!) {
      const piece = await ask('archive_export', ROMEO, after, 10);
      if (piece.length === 0) break;
      pieces.push(piece.map((message) => message.id));
    }
    expect(pieces).toEqual([[id(1), id(2)], [id(3)], [id(4)], [id(5)]]);
  });

  describe('searched for words', () => {
    const said = (n: number, text: string, fields: Partial<ArchiveRecord> = {}) =>
      record(n, { packet: packet(text), ...fields });

    it('find messages that have all of them', async () => {
      await append(
        said(1, 'But soft, what light through yonder window breaks?'),
        said(2, 'It is the east, and Juliet is the sun.'),
        said(3, 'Arise, fair sun, and kill the envious moon', { from: JULIET, to: ROMEO }),
      );
      expect(await found({ words: ['sun'] })).toEqual([id(2), id(3)]);
      expect(await found({ words: ['sun', 'moon'] })).toEqual([id(3)]);
      expect(await found({ words: ['sun', 'window'] })).toEqual([]);
      expect(await found({ owner: JULIET, words: ['light'] })).toEqual([id(1)]);
      expect(await found({ words: ['SUN,', '…'] })).toEqual([id(2), id(3)]);
      expect(await found({ words: [] })).toHaveLength(3);
      expect(await found({ words: ['sun'], with: { bare: NURSE } })).toEqual([]);
      const last = await page({ words: ['sun'], isBackward: true, limit: 1, isCounted: true });
      expect(last).toMatchObject({ messages: [{ id: id(3) }], total: 2, offset: 1, hasMore: true });
    });

    it('find what is written with other letters, in references and in several bodies', async () => {
      await append(
        said(1, 'Größe &amp; Ma&#223; naïve'),
        record(2, {
          packet: Buffer.from("<message><body>один</body><body xml:lang='uk'>два</body></message>"),
        }),
        record(3, { packet: Buffer.from("<message><x xmlns='y'><body>hidden</body></x></message>") }),
        record(4, { packet: Buffer.from('<message><body>broken') }),
        said(5, 'sent together with the broken one'),
      );
      expect(await found({ words: ['größe', 'maß'] })).toEqual([id(1)]);
      expect(await found({ words: ['NAI\u0308VE'] })).toEqual([id(1)]);
      expect(await found({ words: ['Один', 'два'] })).toEqual([id(2)]);
      expect(await found({ words: ['hidden'] })).toEqual([]);
      expect(await found({ words: ['together'] })).toEqual([id(5)]);
    });

    it('find only what was to be searchable', async () => {
      await append(said(1, 'secret', { isSearchable: false }), said(2, 'no secret'));
      expect(await found({ words: ['secret'] })).toEqual([id(2)]);
    });

    it('find nothing of others, and what only one side has only there', async () => {
      await append(
        said(1, 'poison', { sides: ArchiveSide.SENDER }),
        said(2, 'poison', { from: JULIET, to: NURSE }),
      );
      expect(await found({ words: ['poison'] })).toEqual([id(1)]);
      expect(await found({ owner: JULIET, words: ['poison'] })).toEqual([id(2)]);
      await append(said(1, 'poison', { sides: ArchiveSide.RECIPIENT }));
      expect(await found({ owner: JULIET, words: ['poison'] })).toEqual([id(1), id(2)]);
    });

    it('take whatever is asked for as words (threat T64)', async () => {
      await append(said(1, 'near or not and words 1'));
      const strange = [
        '"',
        "' OR 1=1--",
        'NEAR(a b)',
        '*',
        'word*',
        '%',
        '_',
        'words:near',
        '^near',
        '-near',
        '{words}: near',
        'near" OR "not',
        '1·near',
        '\0',
        'a\0b',
        '\ud800',
        'x'.repeat(10_240),
        'x '.repeat(5_120),
      ];
      for (const word of strange) {
        const expected = await page({ words: [word] });
        expect(expected.anchor, word).toBe('known');
      }
      expect(await found({ words: ['near" OR "absent'] })).toEqual([]);
      expect(await found({ words: ['AND', 'OR', 'not'] })).toEqual([id(1)]);
      expect(await found({ words: ['words*'] })).toEqual([id(1)]);
      expect(await found({ words: ['word*'] })).toEqual([]);
    });
  });

  describe('of messages that are retracted', () => {
    it('know the newest of the sender to the peer that he called so', async () => {
      await append(
        record(1, { originId: 'a' }),
        record(2, { originId: 'a' }),
        record(3, { originId: 'a', from: JULIET, to: ROMEO }),
        record(4, { originId: 'a', to: NURSE }),
        record(5, { originId: 'b' }),
        record(6),
      );
      const retraction = { from: `${ROMEO}/balcony`, to: `${JULIET}/x`, by: 'origin_id', id: 'a' } as const;
      expect(await ask('archive_find_retracted', retraction)).toMatchObject({ id: id(2) });
      expect(await ask('archive_find_retracted', { ...retraction, id: 'none' })).toBeNull();
      expect(await ask('archive_find_retracted', { ...retraction, from: NURSE })).toBeNull();
      expect(await ask('archive_find_retracted', { ...retraction, to: 'nobody@localhost' })).toBeNull();
    });

    it('know them by their id here, if they are his', async () => {
      await append(record(1));
      const retraction = { from: ROMEO, to: JULIET, by: 'stanza_id', id: stableIdText(id(1)) } as const;
      expect(await ask('archive_find_retracted', retraction)).toMatchObject({ id: id(1) });
      for (const wrong of [stableIdText(id(2)), '', 'é', '-1', `${stableIdText(id(1))}0`, 'V'.repeat(13)]) {
        expect(await ask('archive_find_retracted', { ...retraction, id: wrong }), wrong).toBeNull();
      }
      expect(await ask('archive_find_retracted', { ...retraction, from: JULIET, to: ROMEO })).toBeNull();
    });

    it('put something else in their place, for both sides', async () => {
      await append(record(1), record(2));
      const tombstone = Buffer.from('<message><retracted/></message>');
      expect(await ask('archive_replace', id(1), tombstone)).toBe(true);
      expect(await ask('archive_replace', id(9), tombstone)).toBe(false);
      for (const owner of [ROMEO, JULIET]) {
        expect(await page({ owner })).toMatchObject({ messages: [{ packet: tombstone }, { id: id(2) }] });
        expect(await found({ owner, words: ['number'] })).toEqual([id(2)]);
      }
      await append(record(1));
      expect(await page()).toMatchObject({ messages: [{ packet: tombstone }, { id: id(2) }] });
    });

    it('have their words until then, and not afterwards', async () => {
      await append(record(1));
      expect(await found({ words: ['number'] })).toEqual([id(1)]);
      await ask('archive_replace', id(1), Buffer.from('<message/>'));
      expect(await found({ words: ['number'] })).toEqual([]);
    });
  });

  it('keep preferences', async () => {
    expect(await ask('archive_get_prefs', ROMEO)).toBeNull();
    const prefs = {
      defaultMode: 'roster',
      always: [JULIET, `${NURSE}/home`],
      never: ['tybalt@localhost'],
    } as const;
    await ask('archive_set_prefs', ROMEO, prefs);
    expect(await ask('archive_get_prefs', ROMEO)).toEqual(prefs);
    await ask('archive_set_prefs', ROMEO, { defaultMode: 'never', always: [JULIET], never: [JULIET] });
    expect(await ask('archive_get_prefs', ROMEO)).toEqual({
      defaultMode: 'never',
      always: [],
      never: [JULIET],
    });
    expect(await ask('archive_get_prefs', JULIET)).toBeNull();
  });

  describe('of accounts that are removed', () => {
    it('go, and leave the others what is theirs', async () => {
      await append(record(1), record(2, { to: `${ROMEO}/x` }), record(3, { sides: ArchiveSide.SENDER }));
      await ask('archive_set_prefs', ROMEO, { defaultMode: 'never', always: [], never: [] });
      await ask('archive_remove_user', ROMEO);
      expect(await page({ isCounted: true })).toMatchObject({ messages: [], total: 0 });
      expect(await ask('archive_get_prefs', ROMEO)).toBeNull();
      expect(await ask('archive_size', ROMEO)).toBe(0);
      expect(await ask('archive_range', ROMEO)).toBeNull();
      expect(await page({ owner: JULIET })).toMatchObject({
        messages: [{ id: id(1), from: `${ROMEO}/orchard` }],
      });
      await ask('archive_remove_user', 'nobody@localhost');
    });

    it('stay empty of what was sent before, and get what is sent later', async () => {
      const now = Date.now() * 1000;
      await append(record(1));
      await ask('archive_remove_user', JULIET);
      await append(
        record(2, { micros: now - 1_000_000 }),
        record(3, { micros: LATER }),
        record(4, { micros: now - 999_000, from: JULIET, to: ROMEO }),
      );
      expect(await found({ owner: JULIET })).toEqual([BigInt(LATER) * 256n]);
      expect(await ask('archive_size', ROMEO)).toBe(4);
    });

    it('are not all of a domain, if the domain itself had messages', async () => {
      const now = Date.now() * 1000 - 1_000_000;
      await append(record(1, { from: 'localhost' }));
      await ask('archive_remove_user', 'localhost');
      expect(await ask('archive_size', 'localhost')).toBe(0);
      await append(record(2, { micros: now }));
      expect(await ask('archive_size', ROMEO)).toBe(1);
    });

    it('with their domain', async () => {
      await append(
        ...[1, 2, 3, 4, 5].map((n) => record(n)),
        ...[6, 7].map((n) => record(n, { to: NURSE })),
        record(8, { from: NURSE, to: `${NURSE}/x` }),
      );
      await ask('archive_set_prefs', ROMEO, { defaultMode: 'never', always: [], never: [] });
      expect(await toEnd((cursor) => ask('archive_remove_domain', 'localhost', 2, cursor))).toBe(12);
      for (const owner of [ROMEO, JULIET]) expect(await ask('archive_size', owner)).toBe(0);
      expect(await ask('archive_get_prefs', ROMEO)).toBeNull();
      expect(await found({ owner: NURSE })).toEqual([id(6), id(7), id(8)]);
      await append(record(20, { micros: Date.now() * 1000 - 1_000_000 }));
      expect(await ask('archive_size', ROMEO)).toBe(0);
      expect(await toEnd((cursor) => ask('archive_remove_domain', 'nowhere.example', 2, cursor))).toBe(0);
    });
  });

  describe('of limited length', () => {
    it('lose what is older than a time, for the users of a domain', async () => {
      await append(
        ...[1, 2, 3, 4].map((n) => record(n)),
        record(5, { to: NURSE }),
        record(6),
        record(7, { from: NURSE, to: JULIET, sides: ArchiveSide.SENDER }),
      );
      expect(await toEnd((cursor) => ask('archive_remove_before', 'localhost', FIRST + 6, 2, cursor))).toBe(
        9,
      );
      expect(await found()).toEqual([id(6)]);
      expect(await found({ owner: JULIET })).toEqual([id(6)]);
      expect(await found({ owner: NURSE })).toEqual([id(5), id(7)]);
      expect(await found({ words: ['number'] })).toEqual([id(6)]);
      expect(await toEnd((cursor) => ask('archive_remove_before', 'localhost', 0, 2, cursor))).toBe(0);
      expect(await toEnd((cursor) => ask('archive_remove_before', 'localhost', LATER, 100, cursor))).toBe(2);
      expect(await found({ owner: NURSE })).toEqual([id(5), id(7)]);
    });

    it('lose the oldest messages of users that have too many', async () => {
      await append(...[1, 2, 3, 4, 5].map((n) => record(n)), record(6, { to: NURSE }));
      expect(await toEnd((cursor) => ask('archive_trim', 'localhost', 2, 1, cursor))).toBe(7);
      expect(await found()).toEqual([id(5), id(6)]);
      expect(await found({ owner: JULIET })).toEqual([id(4), id(5)]);
      expect(await found({ owner: NURSE })).toEqual([id(6)]);
      expect(await toEnd((cursor) => ask('archive_trim', 'localhost', 2, 10, cursor))).toBe(0);
      expect(await toEnd((cursor) => ask('archive_trim', 'localhost', 0, 10, cursor))).toBe(4);
    });
  });
});
