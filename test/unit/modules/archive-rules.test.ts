import { describe, expect, it } from 'vitest';
import { retractionIn, tombstone } from '../../../src/modules/mod-mam/retraction-xml.ts';
import { isArchivable, isConversation, isSimple, originIdOf } from '../../../src/modules/mod-mam/rules.ts';
import { parseMicros, stampOf } from '../../../src/modules/mod-mam/stamps.ts';
import { serialize } from '../../../src/xml/writer.ts';
import {
  parseStableId,
  shardOfStableId,
  stableId,
  stableIdNumber,
  stableIdText,
  timeOfStableId,
} from '../../../src/xmpp/stable-id.ts';
import { Stanza } from '../../../src/xmpp/stanza.ts';
import { parseElementText } from '../../../src/xmpp/trusted-xml.ts';

const RULES = { hasMarkers: false };
const HINTS = 'urn:xmpp:hints';

function stanza(content: string, attributes = ''): Stanza {
  return Stanza.ofStored(Buffer.from(`<message${attributes}>${content}</message>`));
}

const CASES: readonly (readonly [content: string, isArchived: boolean, isSimple: boolean])[] = [
  ['<body>x</body>', true, true],
  ['<body></body>', true, true],
  ['<body/>', true, false],
  ["<body xml:lang='en'>x</body>", true, false],
  ["<body xmlns='urn:x'>x</body>", false, false],
  ['<bodyguard>x</bodyguard>', false, false],
  ['<subject>s</subject><body>x</body>', true, false],
  ["<body>x</body><active xmlns='http://jabber.org/protocol/chatstates'/>", true, true],
  [`<body>x</body><no-store xmlns='${HINTS}'/>`, false, false],
  [`<body>x</body><no-permanent-store xmlns='${HINTS}'/>`, false, false],
  ["<body>x</body><no-store xmlns='urn:x'/>", true, false],
  [`<body>x</body><no-copy xmlns='${HINTS}'/>`, true, false],
  [`<store xmlns='${HINTS}'/>`, true, false],
  ["<body>x</body><delay xmlns='urn:xmpp:delay' stamp='x'/>", false, false],
  ["<body>x</body><x xmlns='urn:x'><delay xmlns='urn:xmpp:delay'/></x>", true, false],
  ["<body>x</body><result xmlns='urn:xmpp:mam:1'/>", false, false],
  ["<body>x</body><result xmlns='urn:x'/>", true, false],
  ["<retract xmlns='urn:xmpp:message-retract:1' id='1'/>", true, false],
  ["<retract xmlns='urn:xmpp:message-retract:1'/>", false, false],
  ["<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", false, false],
  ["<x xmlns='jabber:x:conference' jid='r@x'/>", false, false],
  ['', false, false],
];

describe('what is archived', () => {
  it.each(CASES)('%s: %s', (content, isArchived, simple) => {
    expect(isArchivable(stanza(content).element, RULES)).toBe(isArchived);
    expect(isSimple(stanza(content))).toBe(simple);
    expect(isSimple(stanza(content, " type='chat' id='>' to='a@x'"))).toBe(simple);
  });

  it('never looks simple unless the tree says the same', () => {
    for (const [, isArchived, simple] of CASES) if (simple) expect(isArchived).toBe(true);
  });

  it('are chat markers if they are wanted, but not the wish for them', () => {
    const rules = { hasMarkers: true };
    const marker = (name: string): Stanza => stanza(`<${name} xmlns='urn:xmpp:chat-markers:0' id='1'/>`);
    for (const name of ['received', 'displayed', 'acknowledged'])
      expect(isArchivable(marker(name).element, rules)).toBe(true);
    expect(isArchivable(marker('markable').element, rules)).toBe(false);
  });

  it('is by type what RFC 6121 calls a conversation', () => {
    expect([undefined, 'chat', 'normal', 'unheard-of'].map(isConversation)).toEqual([true, true, true, true]);
    expect(['groupchat', 'headline', 'error'].map(isConversation)).toEqual([false, false, false]);
  });

  it('has the name that its sender gave it', () => {
    const named = stanza("<body>x</body><origin-id xmlns='urn:xmpp:sid:0' id='o'/>");
    expect(isSimple(named)).toBe(false);
    expect(originIdOf(named.element)).toBe('o');
    expect(originIdOf(stanza("<origin-id xmlns='urn:x' id='o'/>").element)).toBeUndefined();
  });
});

describe('retractions', () => {
  const FASTEN = "apply-to xmlns='urn:xmpp:fasten:0'";

  it.each([
    [`<${FASTEN} id='1'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>`, 'origin_id'],
    [`<${FASTEN} id='1'><retract xmlns='urn:esl:message-retract-by-stanza-id:0'/></apply-to>`, 'stanza_id'],
    ["<retract xmlns='urn:xmpp:message-retract:1' id='1'/>", 'origin_id'],
    [`<${FASTEN} id=''><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>`, undefined],
    [`<${FASTEN}><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>`, undefined],
    [`<${FASTEN} id='1'><retract xmlns='urn:x'/></apply-to>`, undefined],
    [`<${FASTEN} id='1'/>`, undefined],
    ["<retract xmlns='urn:xmpp:message-retract:0'/>", undefined],
  ])('in %s: by %s', (content, by) => {
    const request = retractionIn(stanza(content).element);
    expect(request?.by).toBe(by);
    if (by !== undefined) expect(request?.id).toBe('1');
  });

  it('leave nothing but the attributes of the message', () => {
    const original = parseElementText(
      "<message type='chat' id='m'><body>x</body><x xmlns='urn:x'/></message>",
    );
    const made = tombstone(
      original,
      { retractOn: 'origin_id', id: 'o' },
      'urn:xmpp:message-retract:0',
      'r',
      'S',
    );
    expect(serialize(made)).toBe(
      "<message xmlns='jabber:client' type='chat' id='m'><retracted xmlns='urn:xmpp:message-retract:0' stamp='S'><origin-id xmlns='urn:xmpp:sid:0' id='o'/></retracted></message>",
    );
  });
});

describe('ids and times', () => {
  it('are the same with and without large numbers, and lead back to time and shard', () => {
    const times = [2 ** 49 - 1, 2 ** 49, 1_790_000_000_123_456, 1_790_000_000_123_459, 2 ** 52 - 1, 2 ** 52];
    for (const time of times) {
      for (const shard of [0, 1, 31, 32, 255]) {
        const id = stableId(time, shard);
        expect(id).toBe(stableIdText(stableIdNumber(time, shard)));
        expect(parseStableId(id)).toBe(stableIdNumber(time, shard));
        expect(timeOfStableId(id)).toBe(time);
        expect(shardOfStableId(id)).toBe(shard);
      }
    }
  });

  it.each(['', 'purple', 'W', 'B9FQT1HO38O1 ', '-1', 'VVVVVVVVVVVVV', '00000000000000', 'B9FQ\n'])(
    'are no ids: %j',
    (text) => {
      expect(parseStableId(text)).toBeUndefined();
    },
  );

  it('are written and read to the microsecond', () => {
    const micros = 1_790_000_000_123_456;
    expect(parseMicros(stampOf(micros))).toBe(micros);
    expect(stampOf(1_500_000)).toBe('1970-01-01T00:00:01.500000Z');
    expect(parseMicros('1970-01-01T00:00:01Z')).toBe(1_000_000);
    expect(parseMicros('1970-01-01T01:00:01.5+01:00')).toBe(1_500_000);
    expect(parseMicros('1970-01-01T00:00:00.12345678Z')).toBe(123_456);
    expect(parseMicros('yesterday')).toBeUndefined();
    expect(parseMicros(undefined)).toBeUndefined();
  });
});
