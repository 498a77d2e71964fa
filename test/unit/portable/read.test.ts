import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PortableDocument } from '../../../src/portable/document.ts';
import { SaxReader } from '../../../src/portable/sax-reader.ts';
import { insideOf, lineOf, linesOfText, userFile } from './collect.ts';

/** Files of XEP-0227 as they should be. What should not be in one is in hostile.test.ts. */

const WHOLE = `<?xml version='1.0' encoding='UTF-8'?>
<server-data xmlns='urn:xmpp:pie:0'>
  <host jid='capulet.com'>
    <!-- a family -->
    <user name='juliet' password='s3crEt'>
      <query xmlns='jabber:iq:roster'>
        <item jid='romeo@montague.net' name='R&amp;D &#x2665;' subscription='both'><group>Friends</group></item>
        <item jid='nurse@capulet.com'/>
      </query>
      <offline-messages>
        <message xmlns='jabber:client' from='romeo@montague.net/orchard'><body><![CDATA[a < b]]> &lt; c</body></message>
      </offline-messages>
      <vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard>
      <presence xmlns='jabber:client' type='subscribe' from='paris@montague.net'/>
    </user>
    <user name='tybalt'/>
  </host>
  <host jid='montague.net'></host>
</server-data>
`;
const LINES = [
  'host capulet.com',
  'user juliet password s3crEt',
  "query <item xmlns='jabber:iq:roster' jid='romeo@montague.net' name='R&amp;D ♥' subscription='both'><group>Friends</group></item>",
  "query <item xmlns='jabber:iq:roster' jid='nurse@capulet.com'/>",
  "offline-messages <message xmlns='jabber:client' from='romeo@montague.net/orchard'><body>a &lt; b &lt; c</body></message>",
  "vCard <vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard>",
  "presence <presence xmlns='jabber:client' type='subscribe' from='paris@montague.net'/>",
  'user_end',
  'user tybalt',
  'user_end',
  'host_end',
  'host montague.net',
  'host_end',
];

describe('a file', () => {
  it('is read in its order, each child of a container by itself', () => {
    expect(linesOfText(WHOLE)).toEqual(LINES);
  });

  it('may have the namespace of early versions, and a byte order mark', () => {
    const old = WHOLE.replace('urn:xmpp:pie:0', 'http://www.xmpp.org/extensions/xep-0227.html#ns');
    expect(linesOfText(`\ufeff${old}`)).toEqual(LINES);
  });

  it('is the same wherever it is cut', () => {
    const whole = textsOf(WHOLE.length);
    expect(whole.length).toBeGreaterThan(10);
    for (const size of [1, 2, 3, 7, 64]) expect(textsOf(size), `${size}`).toEqual(whole);
  });

  it('may end its lines as other systems do', () => {
    const text = userFile('<vCard xmlns="vcard-temp"><DESC>a\r\nb\rc&#13;d</DESC></vCard>');
    expect(insideOf(text)).toEqual(["vCard <vCard xmlns='vcard-temp'><DESC>a\nb\nc&#13;d</DESC></vCard>"]);
  });

  it('may use prefixes, and declare them anywhere', () => {
    const text = `<p:server-data xmlns:p='urn:xmpp:pie:0'><p:host jid='localhost'><p:user name='juliet'>
      <r:query xmlns:r='jabber:iq:roster' xmlns:x='urn:x'><r:item x:a='1' xml:lang='en' jid='romeo@localhost'/></r:query>
    </p:user></p:host></p:server-data>`;
    expect(insideOf(text)).toEqual([
      "query <item xmlns='jabber:iq:roster' xmlns:ns0='urn:x' ns0:a='1' xml:lang='en' jid='romeo@localhost'/>",
    ]);
  });

  it('may have stanzas without their namespace, as Prosody writes requests', () => {
    const text = userFile("<presence type='subscribe' from='romeo@localhost'><status>Hi</status></presence>");
    expect(insideOf(text)).toEqual([
      "presence <presence xmlns='jabber:client' type='subscribe' from='romeo@localhost'><status>Hi</status></presence>",
    ]);
  });

  it('may name its default privacy list before it has it', () => {
    const text = userFile("<query xmlns='jabber:iq:privacy'><default name='a'/><list name='a'/></query>");
    expect(insideOf(text)).toEqual([
      "query <list xmlns='jabber:iq:privacy' name='a'/>",
      "query <default xmlns='jabber:iq:privacy' name='a'/>",
    ]);
  });

  it('has names like those of objects, and they are names like any other', () => {
    const text = userFile(
      "<hasOwnProperty xmlns='urn:x' __proto__='1' constructor='2' hasOwnProperty='3' toString='4'><__proto__/></hasOwnProperty>",
    );
    expect(insideOf(text)).toEqual([
      "hasOwnProperty <hasOwnProperty xmlns='urn:x' __proto__='1' constructor='2' hasOwnProperty='3' toString='4'><__proto__/></hasOwnProperty>",
    ]);
  });
});

describe('what is not understood', () => {
  it('is passed over and reported with its line', () => {
    const text = `<server-data xmlns='urn:xmpp:pie:0' xmlns:x='urn:x'>
<x:settings><user name='nobody'/></x:settings>
<host jid='localhost' x:port='5222'><user name='juliet' x:created='1'>text<query xmlns='jabber:iq:roster'>more</query></user>
<room/></host></server-data>`;
    expect(linesOfText(text)).toEqual([
      'loss unknown settings (urn:x) at 2',
      'loss attribute {urn:x}port of host at 3',
      'host localhost',
      'loss attribute {urn:x}created of user at 3',
      'user juliet',
      'loss text text in user at 3',
      'loss text text in container at 3',
      'user_end',
      'loss unknown room at 4',
      'host_end',
    ]);
  });
});

describe('memory', () => {
  it('does not grow with the file', () => {
    const directory = mkdtempSync(join(tmpdir(), 'mk-portable-'));
    const file = join(directory, 'large.xml');
    const message = `<message xmlns='jabber:client' from='romeo@localhost'><body>${'x'.repeat(4_000)}</body></message>\n`;
    const inside = `<offline-messages>${message.repeat(12_000)}</offline-messages>`;
    writeFileSync(file, userFile(inside));
    const read = new URL('../../../src/portable/read.ts', import.meta.url).href;
    const program = `import { readPortable } from ${JSON.stringify(read)};
      let entries = 0;
      for (const item of readPortable(process.argv[1])) if (item.kind === 'entry') entries++;
      console.log(entries);`;
    // 48 MB through a heap of 24.
    const args = [
      '--max-old-space-size=24',
      '--max-semi-space-size=1',
      '--input-type=module',
      '-e',
      program,
      file,
    ];
    expect(
      execFileSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } }),
    ).toBe('12000\n');
  });
});

/** What a reader tells of the file when it comes in pieces of so many UTF-16 units. */
function textsOf(size: number): string[] {
  const lines: string[] = [];
  const document = new PortableDocument('file', () => reader.place);
  const reader: SaxReader = new SaxReader('main.xml', document);
  for (let i = 0; i < WHOLE.length; i += size) {
    reader.write(WHOLE.slice(i, i + size));
    for (const item of document.take()) lines.push(lineOf(item));
  }
  reader.end();
  return lines;
}
