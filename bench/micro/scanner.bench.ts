import assert from 'node:assert/strict';
import { SaxesParser } from 'saxes';
import { SCAN_LIMITS, STANZA_BYTES_HARD_MAX } from '../../src/limits.ts';
import { buildElement } from '../../src/xml/element.ts';
import { Scan, Scanner } from '../../src/xml/scanner.ts';
import { StreamContext } from '../../src/xml/stream-context.ts';
import { NS_CLIENT, NS_STREAM } from '../../src/xmpp/namespaces.ts';
import { kindOf, STANZA_NAMES, Stanza } from '../../src/xmpp/stanza.ts';
import { type AddScenario, type MicroBench, measure } from '../lib/micro.ts';

/**
 * Reading a stanza and writing it with new addresses: the first and the last step of every routed message. saxes, the oracle of the
 * differential tests, reads the same bytes for comparison.
 */

const BODY = 'Hello, this is a chat message of a usual length, with some words in it, that people send.';
const STANZAS = {
  'message, 283 bytes':
    `<message to='bob@localhost/phone' id='a1b2c3d4-e5f6-7890-abcd' type='chat'><body>${BODY} ${BODY.slice(0, 61)}</body>` +
    `<request xmlns='urn:xmpp:receipts'/></message>`,
  'message, 312 bytes':
    `<message to='bob@localhost/phone' id='a1b2c3d4' type='chat'><body>${BODY}</body>` +
    `<active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/>` +
    `<origin-id xmlns='urn:xmpp:sid:0' id='a1b2c3d4'/></message>`,
  'presence, 230 bytes':
    `<presence id='p1'><show>away</show><status>out for lunch</status><priority>5</priority>` +
    `<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://code.google.com/p/exodus' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>`,
  'iq, 172 bytes':
    `<iq type='get' id='disco1' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info' ` +
    `node='http://code.google.com/p/exodus#QgayPKawpkPSDYmwT/WM94uAlu0='/></iq>`,
  'message, 16 KiB': `<message to='bob@localhost' type='chat'><body>${'Lorem ipsum dolor sit amet, '.repeat(583)}</body></message>`,
} as const;

const HEADER = `<stream:stream xmlns='${NS_CLIENT}' xmlns:stream='${NS_STREAM}'>`;
const CONTEXT = new StreamContext(
  'stream:stream',
  [
    { prefix: '', uri: NS_CLIENT },
    { prefix: 'stream', uri: NS_STREAM },
  ],
  { ...SCAN_LIMITS, stanzaBytesMax: STANZA_BYTES_HARD_MAX },
);
const FROM = 'alice@localhost/laptop';
const TO = 'bob@localhost/phone';

function addAll(add: AddScenario): void {
  const scanner = new Scanner();
  const target = Buffer.alloc(32_768);
  const scan = (bytes: Buffer): void => {
    scanner.enter(CONTEXT);
    assert(scanner.scan(bytes, 0, bytes.length) === Scan.ELEMENT);
  };
  for (const [what, text] of Object.entries(STANZAS)) {
    const bytes = Buffer.from(text);
    const name = STANZA_NAMES.find((candidate) => text.startsWith(`<${candidate}`))!;
    const kind = kindOf(name);
    const read = (): Stanza => {
      scan(bytes);
      return Stanza.read(scanner, bytes, kind, name);
    };
    add(`scan: ${what}`, () => {
      scan(bytes);
      return scanner.tokenWords;
    });
    add(`scan and read the envelope: ${what}`, () => read().kind);
    add(`scan and build the tree: ${what}`, () => {
      scan(bytes);
      return buildElement(scanner, bytes).children.length;
    });
    add(`scan and write with addresses: ${what}`, () => read().write(target, 0, FROM, TO));
    add(`saxes: ${what}`, saxesReader(text));
  }
}

/** Feeds saxes one stanza after another inside one stream. */
function saxesReader(text: string): () => number {
  let elements = 0;
  const parser = new SaxesParser({ xmlns: true, position: false });
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('closetag', () => {
    elements++;
  });
  parser.write(HEADER);
  return () => {
    parser.write(text);
    return elements;
  };
}

export const run: MicroBench = ({ smoke }) => measure(smoke, addAll);
