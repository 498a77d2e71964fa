import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isMixedScript } from '../../../src/xmpp/confusable.ts';
import {
  JID_PART_BYTES_MAX,
  type Jid,
  makeJid,
  parseDomain,
  parseJid,
  parseLocalpart,
  parseResource,
} from '../../../src/xmpp/jid.ts';
import { readOne } from '../xml/reading.ts';

function parts(jid: Jid | undefined): string[] | undefined {
  return jid === undefined ? undefined : [jid.local, jid.domain, jid.resource];
}

describe('the examples of RFC 7622 §3.5', () => {
  test.each([
    ['juliet@example.com', ['juliet', 'example.com', '']],
    ['juliet@example.com/foo', ['juliet', 'example.com', 'foo']],
    ['juliet@example.com/foo bar', ['juliet', 'example.com', 'foo bar']],
    ['juliet@example.com/foo@bar', ['juliet', 'example.com', 'foo@bar']],
    ['foo\\20bar@example.com', ['foo\\20bar', 'example.com', '']],
    ['fussball@example.com', ['fussball', 'example.com', '']],
    ['fu\u00dfball@example.com', ['fu\u00dfball', 'example.com', '']],
    ['\u03c0@example.com', ['\u03c0', 'example.com', '']],
    ['\u03a3@example.com/foo', ['\u03c3', 'example.com', 'foo']],
    ['\u03c3@example.com/foo', ['\u03c3', 'example.com', 'foo']],
    ['\u03c2@example.com/foo', ['\u03c2', 'example.com', 'foo']],
    ['king@example.com/\u265a', ['king', 'example.com', '\u265a']],
    ['example.com', ['', 'example.com', '']],
    ['example.com/foobar', ['', 'example.com', 'foobar']],
    ['a.example.com/b@example.net', ['', 'a.example.com', 'b@example.net']],
  ])('%j is an address', (text, expected) => {
    expect(parts(parseJid(text))).toEqual(expected);
  });

  test.each([
    '"juliet"@example.com',
    'foo bar@example.com',
    'juliet@example.com/',
    '@example.com/',
    'henry\u2163@example.com',
    '\u265a@example.com',
    'juliet@',
    '/foobar',
  ])('%j is none', (text) => {
    expect(parseJid(text)).toBeUndefined();
  });
});

describe('splitting an address (RFC 7622 §3.1)', () => {
  test.each([
    ['the resource starts at the first slash', 'a@b.c/d/e@f/', ['a', 'b.c', 'd/e@f/']],
    ['a slash before the at sign makes it part of the resource', 'b.c/a@d', ['', 'b.c', 'a@d']],
    ['an IPv6 address is a domain', 'a@[::1]/r', ['a', '[::1]', 'r']],
    ['an IPv4 address is a domain', 'a@192.0.2.1', ['a', '192.0.2.1', '']],
    ['a final dot is not part of the domain', 'a@example.com./r', ['a', 'example.com', 'r']],
    ['upper case is lowered in localpart and domain only', 'A@EXAMPLE.com/R', ['a', 'example.com', 'R']],
  ])('%s', (_rule, text, expected) => {
    expect(parts(parseJid(text))).toEqual(expected);
  });

  test.each([
    '',
    '@',
    '/',
    '@/',
    '@b',
    'a@',
    'a@/r',
    'a@b/',
    'a@@b',
    'a@b@c',
    'a@b c',
    'a@b\t',
    'a b@c',
    'a@.',
    'a@..',
    'a@b..c',
  ])('%j is no address', (text) => {
    expect(parseJid(text)).toBeUndefined();
  });

  test.each([
    'a@b#c',
    'a@b?c',
    'a@b:5222',
    'a@%62.com',
    'a@b\\c',
    'a@b\tc',
    'a@b\nc',
    'a@b%00',
    'a@ｂ／c',
    'a@b\u2044c',
  ])('a domain is no part of a URL: %j', (text) => {
    expect(parseJid(text)).toBeUndefined();
  });
});

describe('limits of RFC 7622, in bytes', () => {
  const most = JID_PART_BYTES_MAX;

  test.each([
    ['of one byte each', 'a', 1],
    ['of two bytes each', 'é', 2],
    ['of three bytes each', '語', 3],
  ])('a localpart of characters %s', (_what, c, size) => {
    const longest = 'b'.repeat(most % size) + c.repeat(Math.floor(most / size));
    expect(Buffer.byteLength(longest)).toBe(1023);
    expect(parseLocalpart(longest)).toBe(longest);
    expect(parseLocalpart(`${longest}b`)).toBeUndefined();
  });

  test('a resource', () => {
    expect(parseResource('r'.repeat(1023))).toHaveLength(1023);
    expect(parseResource('r'.repeat(1024))).toBeUndefined();
    expect(parseResource('♚'.repeat(341))).toHaveLength(341);
    expect(parseResource(`${'♚'.repeat(341)}a`)).toBeUndefined();
  });

  test('a domain', () => {
    const longest = `${'a'.repeat(63)}.`.repeat(15) + 'a'.repeat(63);
    expect(longest).toHaveLength(1023);
    expect(parseDomain(longest)).toBe(longest);
    expect(parseDomain(`${longest}a`)).toBeUndefined();
    expect(parseDomain(`a.${longest}`)).toBeUndefined();
  });

  test('a label of a domain', () => {
    expect(parseDomain(`${'a'.repeat(63)}.com`)).toBeDefined();
    expect(parseDomain(`${'a'.repeat(64)}.com`)).toBeUndefined();
  });

  test('a localpart that grows when it is prepared', () => {
    // The letter has two bytes, its lower case three.
    const growing = 'Ⱥ'.repeat(511);
    expect(Buffer.byteLength(growing)).toBe(1022);
    expect(parseLocalpart(growing)).toBeUndefined();
    expect(parseLocalpart('Ⱥ'.repeat(341))).toBe('ⱥ'.repeat(341));
  });

  test('nothing is no part', () => {
    expect([parseLocalpart(''), parseDomain(''), parseResource('')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('names that look like admin (T52)', () => {
  test.each([
    ['in upper case', 'ADMIN'],
    ['in full-width letters', 'ａｄｍｉｎ'],
    ['in full-width capitals', 'ＡＤＭＩＮ'],
  ])('%s are the same account', (_how, local) => {
    expect(parseLocalpart(local)).toBe('admin');
  });

  test.each([
    ['a soft hyphen', 'ad\u00admin'],
    ['a zero-width joiner', 'ad\u200dmin'],
    ['a zero-width non-joiner', 'ad\u200cmin'],
    ['a zero-width space', 'ad\u200bmin'],
    ['a right-to-left override', '\u202enimda'],
    ['a left-to-right mark', 'admin\u200e'],
    ['a byte order mark', '\ufeffadmin'],
    ['a variation selector', 'admin\ufe0f'],
    ['a Hangul filler', 'admin\u3164'],
    ['a tag character', 'admin\u{e0061}'],
    ['a Kelvin sign', '\u212aing'],
    ['a mathematical letter', '\u{1d41a}dmin'],
    ['a ligature', 'o\ufb03ce'],
    ['a superscript letter', 'admi\u207f'],
    ['a circled letter', '\u24d0dmin'],
    ['a no-break space', 'ad\u00a0min'],
    ['a space at the end', 'admin '],
    ['half of a pair', 'admin\ud83d'],
    ['the other half', '\ude00admin'],
    ['a character that is not assigned', 'admin\u0378'],
    ['a character for private use', 'admin\ue000'],
    ['a character that never is one', 'admin\uffff'],
    ['a control character', 'admin\u0007'],
  ])('with %s are malformed', (_what, local) => {
    expect(parseLocalpart(local)).toBeUndefined();
  });

  test('combining marks make one name, however they are written', () => {
    expect(parseLocalpart('admi\u0301n')).toBe('adm\u00edn');
    expect(parseLocalpart('adm\u00cdn')).toBe('adm\u00edn');
    expect(parseLocalpart('A\u030angstrom')).toBe(parseLocalpart('\u00e5ngstrom'));
  });

  test('other letters make other names, which registration can tell', () => {
    for (const local of ['\u0430dmin', 'adm\u0456n', '\u03b1dmin']) {
      expect(parseLocalpart(local)).not.toBe('admin');
      expect(isMixedScript(parseLocalpart(local)!)).toBe(true);
    }
    expect(parseLocalpart('adm\u0131n')).toBe('adm\u0131n');
    expect(parseLocalpart('ADM\u0130N')).toBe('admi\u0307n');
  });

  test('domains have one form', () => {
    for (const text of [
      'EXAMPLE.com',
      'EXAMPLE\u3002com',
      'ｅｘａｍｐｌｅ．ｃｏｍ',
      'example.com.',
      'example\uff61com',
      'exam\u00adple.com',
    ]) {
      expect(parseDomain(text), text).toBe('example.com');
    }
    expect(parseDomain('xn--strae-oqa.example')).toBe('stra\u00dfe.example');
    expect(parseDomain('XN--STRAE-OQA.example')).toBe('stra\u00dfe.example');
    expect(parseDomain('STRASSE.example')).toBe('strasse.example');
    expect(parseDomain('e\u0301.example')).toBe('\u00e9.example');
  });

  test.each([
    ['a broken encoding', 'xn--a.example'],
    ['an encoding of plain ASCII', 'xn--abc-.example'],
    ['a symbol', '\u2603.example'],
    ['an encoded symbol', 'xn--n3h.example'],
    ['an emoji', '\u{1f600}.example'],
    ['half of a pair', 'a\ud800.example'],
    ['a joiner between letters', 'a\u200db.example'],
    ['two directions in a label', 'a\u05d0.example'],
    ['a hyphen at an end', '-a.example'],
    ['a hyphen at the other end', 'a-.example'],
    ['an underscore', 'a_b.example'],
    ['a space', 'a b.example'],
    ['nothing in a label', 'a..example'],
    ['two dots at the end', 'a.example..'],
    ['a dot alone', '.'],
  ])('domains with %s are malformed', (_what, text) => {
    expect(parseDomain(text)).toBeUndefined();
  });

  test('numbers stay what they are', () => {
    for (const text of ['1', '127.1', '0x7f.1', '192.0.2.1', '1.x']) expect(parseDomain(text)).toBe(text);
    expect(parseDomain('１２７．１')).toBe('127.1');
  });

  test('IPv6 addresses have one form', () => {
    expect(parseDomain('[2001:DB8::0:1]')).toBe('[2001:db8::1]');
    expect(parseDomain('[::ffff:192.0.2.1]')).toBe(parseDomain('[::ffff:c000:201]'));
    for (const text of [
      '[::1',
      '::1',
      '[::g]',
      '[]',
      '[fe80::1%eth0]',
      '[::1]x',
      '[192.0.2.1]',
      '[1::2::3]',
    ]) {
      expect(parseDomain(text), text).toBeUndefined();
    }
  });
});

describe('an address', () => {
  const jid = parseJid('alice@example.com/phone')!;

  test('has a bare one', () => {
    expect([jid.bare, jid.full, jid.isBare, `${jid}`]).toEqual([
      'alice@example.com',
      'alice@example.com/phone',
      false,
      'alice@example.com/phone',
    ]);
    expect([jid.bareJid.full, jid.bareJid.isBare]).toEqual(['alice@example.com', true]);
    expect(jid.bareJid.bareJid).toBe(jid.bareJid);
  });

  test('is the same as another with the same text', () => {
    expect(jid.equals(parseJid('ALICE@example.COM/phone')!)).toBe(true);
    expect(jid.equals(parseJid('alice@example.com/Phone')!)).toBe(false);
    expect(jid.equals(jid.bareJid)).toBe(false);
  });

  test('is built from its parts, each of which must be right', () => {
    expect(makeJid('Alice', 'Example.com', 'phone')?.full).toBe('alice@example.com/phone');
    expect(makeJid('', 'example.com')?.full).toBe('example.com');
    expect(makeJid('a/b', 'example.com')).toBeUndefined();
    expect(makeJid('a', '')).toBeUndefined();
    expect(makeJid('a', 'b/c')).toBeUndefined();
    expect(makeJid('a', 'b', '\u0000')).toBeUndefined();
  });

  test('has a wire form of one character a byte, escaped', () => {
    expect(jid.wire).toBe('alice@example.com/phone');
    const hostile = makeJid('jürgen', 'example.com', `♚'"<&>`)!;
    expect(hostile.wire).toMatch(/^[\0-\xff]*$/);
    expect(Buffer.from(hostile.wire, 'latin1').toString()).toBe(
      'jürgen@example.com/♚&apos;&quot;&lt;&amp;&gt;',
    );
    expect(hostile.wire).toBe(hostile.wire);
  });
});

describe('any text', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.string({ unit: 'grapheme', maxLength: 6 }),
    fc.string({
      unit: fc.constantFrom(
        ...'aZß0-._@/\\\'"<&> ',
        'İ',
        'ı',
        'Σ',
        'ς',
        'ａ',
        '。',
        '\u0301',
        '\u00ad',
        '\u200d',
        '\u200c',
        '\u094d',
        'ก',
        '\u0660',
        '\u06f0',
        'א',
        'ب',
        'ー',
        '・',
        '\u212a',
        '\ud800',
        '😀',
      ),
      maxLength: 8,
    }),
  );

  test('that can be prepared is its own prepared form (RFC 7622 §3)', () => {
    fc.assert(
      fc.property(texts, (text) => {
        for (const prepare of [parseLocalpart, parseDomain, parseResource]) {
          const prepared = prepare(text);
          if (prepared !== undefined) expect(prepare(prepared)).toBe(prepared);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('that is an address is the same address when it is written and parsed again', () => {
    fc.assert(
      fc.property(texts, texts, texts, (local, domain, resource) => {
        for (const jid of [
          parseJid(local),
          parseJid(`${local}@${domain}/${resource}`),
          makeJid(local, domain, resource),
          makeJid(local, 'example.com', resource),
        ]) {
          if (jid === undefined) continue;
          const again = parseJid(jid.full)!;
          expect(parts(again)).toEqual(parts(jid));
          expect(again.equals(jid)).toBe(true);
          expect(readOne(Buffer.from(`<a to='${jid.wire}'/>`, 'latin1')).attribute('to')).toBe(jid.full);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('mixing scripts', () => {
  test.each(['аdmin', 'ρaypal', 'հello', 'Ꭺdmin', 'аαа', 'a1-а'])('%j looks like something else', (text) => {
    expect(isMixedScript(text)).toBe(true);
  });

  test.each(['admin', 'админ', 'διαχειριστής', '東京タワーtokyoひ', 'müller-2', '123', '', 'a٣', 'aक'])(
    '%j is ordinary',
    (text) => {
      expect(isMixedScript(text)).toBe(false);
    },
  );
});
