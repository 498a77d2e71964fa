import { execFileSync } from 'node:child_process';
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  ATTRIBUTES_MAX,
  ENTRY_CHARS_MAX,
  ENTRY_DEPTH_MAX,
  ENTRY_ELEMENTS_MAX,
  FILE_DEPTH_MAX,
  INCLUDE_DEPTH_MAX,
  LOSS_KINDS_MAX,
  LOSS_PLACES_MAX,
  NAMESPACES_MAX,
} from '../../../src/portable/limits.ts';
import { LossReport } from '../../../src/portable/report.ts';
import { filesOf, insideOf, linesOf, linesOfText, userFile } from './collect.ts';

/** Files that somebody wrote to hurt whoever imports them (threat T70), or that are broken. */

/** The file is read no further, and this is why. */
function problemOf(text: string | Buffer): string | undefined {
  const last = linesOfText(text).at(-1);
  return last?.startsWith('problem ') ? last.slice('problem '.length) : undefined;
}

describe('entities', () => {
  it('are not declared: a document type ends the file before anything of it is taken', () => {
    const bomb = `<?xml version='1.0'?>\n<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>`;
    const lines = linesOfText(userFile('<vCard xmlns="vcard-temp"><FN>&b;</FN></vCard>', bomb));
    expect(lines).toEqual([expect.stringMatching(/^problem main\.xml:2: a document type is not allowed/)]);
  });

  it.each(['<!DOCTYPE x SYSTEM "file:///etc/passwd">', '<!DOCTYPE x>', '<!ATTLIST x>'])(
    '%s is refused',
    (declaration) => {
      expect(problemOf(userFile('', declaration))).toContain('not allowed');
    },
  );

  it.each(['&nbsp;', '&toString;', '&__proto__;', '&#0;', '&#xD800;', '&#x110000;', '&amp', '&;', '& '])(
    '%s is none',
    (reference) => {
      expect(problemOf(userFile(`<vCard xmlns="vcard-temp"><FN>${reference}</FN></vCard>`))).toBeDefined();
    },
  );
});

describe('what is not XML', () => {
  it.each([
    ['', 'no element'],
    ['<!-- -->', 'no element'],
    ['<server-data xmlns="urn:xmpp:pie:0">', 'Unclosed root tag'],
    [userFile('<a></b>'), 'Unexpected close tag'],
    [userFile('<a b="1" b="2"/>'), 'twice'],
    [userFile('<a xmlns:x="urn:x" xmlns:y="urn:x" x:b="1" y:b="2"/>'), 'twice'],
    [userFile('<a b=1/>'), 'Unquoted'],
    [userFile('<a b/>'), 'Invalid attribute name'],
    [userFile('<x:a/>'), 'not declared'],
    [userFile('<a x:b="1"/>'), 'not declared'],
    [userFile('<a xmlns:xml="urn:x"/>'), 'xml stands for one'],
    [userFile('<a xmlns:xmlns="urn:x"/>'), 'cannot be declared'],
    [userFile('<a xmlns:x=""/>'), 'cannot be taken back'],
    [userFile('<a:b:c xmlns:a="urn:a"/>'), 'no name'],
    [userFile('a\u0001b'), 'a character that XML does not have'],
    [userFile('<a b="\uffff"/>'), 'a character that XML does not have'],
    [`${userFile('')}<more/>`, 'a second element'],
    ["<?xml version='1.0' encoding='ISO-8859-1'?><a/>", 'encoding'],
  ])('%s ends with the reason', (text, reason) => {
    expect(problemOf(text)).toMatch(new RegExp(`^main\\.xml:\\d+: .*${reason}`));
  });

  it('is told with its line, and what came before it was read', () => {
    const lines = linesOfText(userFile('\n<vCard xmlns="vcard-temp"/>\n<a></b>'));
    expect(lines.slice(0, 3)).toEqual(['host localhost', 'user juliet', "vCard <vCard xmlns='vcard-temp'/>"]);
    expect(lines.at(-1)).toMatch(/^problem main\.xml:3: /);
  });

  it.each([Buffer.from([0xff, 0xfe]), Buffer.from([0xc3]), Buffer.from([0xed, 0xa0, 0x80])])(
    'is not UTF-8: %o',
    (bytes) => {
      const text = userFile('<a>@</a>').split('@');
      expect(problemOf(Buffer.concat([Buffer.from(text[0]!), bytes, Buffer.from(text[1]!)]))).toContain(
        'not UTF-8',
      );
    },
  );

  it('is no file of this format', () => {
    expect(problemOf('<html/>')).toContain('no file of XEP-0227');
    expect(problemOf('<server-data/>')).toContain('no file of XEP-0227');
  });
});

describe('what is too large', () => {
  const nested = (depth: number): string => '<a>'.repeat(depth) + '</a>'.repeat(depth);

  it('is an entry that is too deep: it alone is left out', () => {
    expect(insideOf(userFile(`${nested(ENTRY_DEPTH_MAX)}<b/>`))).toHaveLength(2);
    expect(insideOf(userFile(`${nested(ENTRY_DEPTH_MAX + 1)}<b/>`))).toEqual([
      `loss too_large a (more than ${ENTRY_DEPTH_MAX} elements in each other) at 1`,
      "b <b xmlns='urn:xmpp:pie:0'/>",
    ]);
  });

  it('is an entry of too many elements, or characters', () => {
    const many = `<c>${'<d/>'.repeat(ENTRY_ELEMENTS_MAX)}</c><b/>`;
    expect(insideOf(userFile(many))[0]).toContain(`more than ${ENTRY_ELEMENTS_MAX} elements`);
    const long = (chars: number): string => `<c>${'x'.repeat(chars)}</c><b/>`;
    expect(insideOf(userFile(long(ENTRY_CHARS_MAX - 100)))[0]).toMatch(/^c <c/);
    const lines = insideOf(userFile(long(ENTRY_CHARS_MAX)));
    expect(lines).toEqual([expect.stringContaining('loss too_large c'), "b <b xmlns='urn:xmpp:pie:0'/>"]);
  });

  it('is a document that is deeper than any would be', () => {
    const depth = FILE_DEPTH_MAX - 3;
    expect(problemOf(userFile(nested(depth)))).toBeUndefined();
    expect(problemOf(userFile(nested(depth + 1)))).toContain('in each other');
    expect(problemOf('<a>'.repeat(100_000))).toBeDefined();
  });

  it('is an element with too many attributes, or namespaces', () => {
    const attributes = (n: number): string =>
      Array.from({ length: n }, (_unused, i) => `a${i}='1'`).join(' ');
    expect(problemOf(userFile(`<a ${attributes(ATTRIBUTES_MAX)}/>`))).toBeUndefined();
    expect(problemOf(userFile(`<a ${attributes(ATTRIBUTES_MAX + 1)}/>`))).toContain('attributes');
    const deep = Array.from({ length: 6 }, (_, j) => {
      const names = Array.from({ length: 60 }, (_unused, i) => `xmlns:n${i}='urn:${j}'`).join(' ');
      return `<a ${names}>`;
    });
    expect(problemOf(userFile(deep.join('')))).toContain(`more than ${NAMESPACES_MAX} namespaces`);
  });

  it.each(["<a b='@'/>", '<!--@-->', '<?a @?>', '<@/>', '<a>&@;</a>'])(
    'is %s with a megabyte for @',
    (text) => {
      expect(problemOf(userFile(text.replace('@', 'x'.repeat(1_048_576))))).toBeDefined();
    },
  );
});

describe('other files (XInclude)', () => {
  const include = (href: string, more = ''): string =>
    `<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='${href}'${more}/>`;
  const server = (inside: string): string => `<server-data xmlns='urn:xmpp:pie:0'>${inside}</server-data>`;

  it('stand for hosts, users and children of users, relative to the file that names them', () => {
    const main = filesOf({
      'main.xml': server(`${include('capulet.com.xml')}<host jid='montague.net'/>`),
      'capulet.com.xml': `<host xmlns='urn:xmpp:pie:0' jid='capulet.com'>${include('capulet.com/juliet%20c.xml')}</host>`,
      'capulet.com/juliet c.xml': `<user xmlns='urn:xmpp:pie:0' name='juliet'>${include('../vcards/juliet.xml')}</user>`,
      'vcards/juliet.xml': "<vCard xmlns='vcard-temp'/>",
    });
    expect(linesOf(main)).toEqual([
      'host capulet.com',
      'user juliet',
      "vCard <vCard xmlns='vcard-temp'/>",
      'user_end',
      'host_end',
      'host montague.net',
      'host_end',
    ]);
  });

  it('are data where they are deeper in a user', () => {
    const lines = insideOf(
      userFile(`<query xmlns='jabber:iq:private'><a xmlns='urn:a'>${include('/etc/passwd')}</a></query>`),
    );
    expect(lines).toEqual([
      expect.stringContaining("<include xmlns='http://www.w3.org/2001/XInclude' href='/etc/passwd'/>"),
    ]);
  });

  it.each([
    '../outside.xml',
    '/etc/passwd',
    'file:///etc/passwd',
    'http://localhost/a.xml',
    '//localhost/a.xml',
    '%2e%2e/outside.xml',
    'sub/../../outside.xml',
    'link.xml',
    'linked/outside.xml',
    'pipe.xml',
    'sub',
    'missing.xml',
    'a.xml#b',
    'a%00.xml',
  ])('%s is not read', (href) => {
    const main = filesOf({
      'in/main.xml': server(`${include(href)}<host jid='localhost'/>`),
      'in/sub/a.xml': 'x',
      'outside.xml': "<host xmlns='urn:xmpp:pie:0' jid='outside'/>",
    });
    const directory = dirname(main);
    symlinkSync('../outside.xml', join(directory, 'link.xml'));
    symlinkSync('..', join(directory, 'linked'));
    execFileSync('mkfifo', [join(directory, 'pipe.xml')]);
    expect(linesOf(main)).toEqual([
      expect.stringContaining('loss include a file'),
      'host localhost',
      'host_end',
    ]);
  });

  it.each([" parse='text'", " xpointer='a'"])('are read as a whole, as XML: not with%s', (more) => {
    const main = filesOf({
      'main.xml': server(include('a.xml', more)),
      'a.xml': "<host xmlns='urn:xmpp:pie:0' jid='a'/>",
    });
    expect(linesOf(main)).toEqual([expect.stringContaining('loss include')]);
  });

  it('are read once: neither a loop nor a file that names another a thousand times comes to more', () => {
    const main = filesOf({
      'main.xml': server(include('a.xml').repeat(1_000) + include('main.xml')),
      'a.xml': `<host xmlns='urn:xmpp:pie:0' jid='a'>${include('a.xml')}${include('main.xml')}</host>`,
    });
    const lines = linesOf(main);
    expect(lines.filter((line) => line.startsWith('host '))).toEqual(['host a']);
    expect(lines.filter((line) => line.includes('it was read already'))).toHaveLength(1_002);
  });

  it('are not included endlessly deep', () => {
    const user = (i: number): string => `<x xmlns='urn:x${i}'/>`;
    const files: Record<string, string> = { 'main.xml': userFile(include('1.xml')) };
    for (let i = 1; i <= INCLUDE_DEPTH_MAX + 1; i++) files[`${i}.xml`] = include(`${i + 1}.xml`);
    files[`${INCLUDE_DEPTH_MAX}.xml`] = user(INCLUDE_DEPTH_MAX);
    expect(linesOf(filesOf(files))[2]).toContain(`urn:x${INCLUDE_DEPTH_MAX}`);
    files[`${INCLUDE_DEPTH_MAX}.xml`] = include(`${INCLUDE_DEPTH_MAX + 1}.xml`);
    expect(linesOf(filesOf(files))[2]).toContain('deep');
  });

  it('end the reading where they are broken, with their own name', () => {
    const main = filesOf({
      'main.xml': server(include('a.xml')),
      'a.xml': "\n<host xmlns='urn:xmpp:pie:0' jid='a'>",
    });
    expect(linesOf(main).at(-1)).toMatch(/^problem a\.xml:2: Unclosed/);
  });

  it('leave the main file a directory to be in: a device is none', () => {
    expect(linesOf('/dev/null').at(-1)).toContain('no regular file');
    expect(linesOf(join(mkdtempSync(join(tmpdir(), 'mk-')), 'none.xml')).at(-1)).toContain('ENOENT');
    const file = join(mkdtempSync(join(tmpdir(), 'mk-')), 'main.xml');
    writeFileSync(file, userFile(''));
    expect(linesOf(file)).toHaveLength(4);
  });
});

describe('the report', () => {
  it('does not grow with what is lost', () => {
    const report = new LossReport();
    const place = { file: 'main.xml', line: 1 };
    for (let i = 0; i < 10 * LOSS_KINDS_MAX; i++)
      report.add({ code: 'unknown', what: `element ${i}`, place });
    for (let i = 0; i < 100; i++)
      report.add({ code: 'unknown', what: '__proto__', place }, 'juliet@localhost');
    expect(report.total).toBe(10 * LOSS_KINDS_MAX + 100);
    const kinds = report.kinds();
    expect(kinds.length).toBeLessThanOrEqual(LOSS_KINDS_MAX + 1);
    expect(kinds[0]).toMatchObject({ what: 'others', count: 9 * LOSS_KINDS_MAX + 100 });
    for (const { places } of kinds) expect(places.length).toBeLessThanOrEqual(LOSS_PLACES_MAX);
  });
});
