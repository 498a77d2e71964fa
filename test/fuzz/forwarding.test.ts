import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { Element } from '../../src/xml/element.ts';
import { Scan, Scanner } from '../../src/xml/scanner.ts';
import { escapeText, escapeValue, serialize } from '../../src/xml/writer.ts';
import { Jid } from '../../src/xmpp/jid.ts';
import { NS_CLIENT, NS_STREAM } from '../../src/xmpp/namespaces.ts';
import { Stanza, StanzaKind } from '../../src/xmpp/stanza.ts';
import { NO_LIMITS, opened, readOne } from '../unit/xml/reading.ts';
import { Dice } from './dice.ts';
import { judge } from './oracle.ts';
import { FUZZ_SEED, FUZZ_TIMEOUT_MS, settings } from './settings.ts';
import { message, tree, xmlText } from './trees.ts';
import { writeVaried } from './varied-xml.ts';

/**
 * What we forward is not serialised again: a stanza's own bytes go out with new addresses spliced in. Another parser must see the same
 * tree in them, with our addresses and no others (threats T03, T04).
 */

console.info(`FUZZ_SEED=${FUZZ_SEED}`);
vi.setConfig({ testTimeout: FUZZ_TIMEOUT_MS });

const seed = fc.integer();
/** An address with all that would break an attribute. Preparation is not the subject here, so any text will do. */
const address = fc
  .tuple(xmlText, xmlText)
  .map(([local, resource]) => new Jid(local, 'example.com', resource));

/** The stanza that arrives as these bytes, on a stream that binds what `writeVaried` expects. */
function arrive(bytes: Buffer): Stanza {
  const scanner = new Scanner();
  scanner.enter(opened(NO_LIMITS));
  expect(scanner.scan(bytes, 0, bytes.length)).toBe(Scan.ELEMENT);
  return Stanza.read(scanner, bytes, StanzaKind.MESSAGE, 'message');
}

/** What a parser on the other side makes of bytes that we sent. */
function received(bytes: Uint8Array): Element {
  const { elements, isClean } = judge(bytes);
  expect([elements.length, isClean]).toEqual([1, true]);
  return elements[0]!;
}

/** The element with these addresses and more children. */
function stamped(element: Element, from: string, to: string, ...more: Element[]): Element {
  const copy = element.copy();
  for (const [name, value] of [
    ['from', from],
    ['to', to],
  ] as const) {
    if (value === '') copy.attributes.delete(name);
    else copy.attributes.set(name, value);
  }
  copy.children.push(...more);
  return copy;
}

/** The wire form and the text of an address, which may be left out. */
function forms(jid: Jid | undefined): [wire: string, full: string] {
  return jid === undefined ? ['', ''] : [jid.wire, jid.full];
}

describe('a stanza that is forwarded', () => {
  test('is the same tree for the recipient, with the addresses that we stamped', () => {
    fc.assert(
      fc.property(
        message,
        address,
        fc.option(address, { nil: undefined }),
        seed,
        (element, from, to, choices) => {
          const bytes = Buffer.from(writeVaried(element, new Dice(choices)));
          const [toWire, toText] = forms(to);
          const sent = arrive(bytes).toBuffer(from.wire, toWire);
          expect(received(sent)).toEqual(stamped(element, from.full, toText));
        },
      ),
      settings(),
    );
  });

  test('is so too when it was kept, and when children were added', () => {
    const child = fc.tuple(tree, seed);
    fc.assert(
      fc.property(message, address, child, child, seed, (element, jid, [first], [second], choices) => {
        const dice = new Dice(choices);
        const bytes = Buffer.from(writeVaried(element, dice));
        let stanza = arrive(bytes);
        const isRetained = dice.once(2);
        if (isRetained && dice.once(2)) stanza.retain();
        if (dice.once(4)) stanza.element;
        stanza = stanza.append(serialize(first, NS_CLIENT)).append(serialize(second, NS_CLIENT));
        if (isRetained) {
          stanza.retain();
          // The reader's buffer gets other contents.
          bytes.fill(0x3c);
        }
        const expected = stamped(element, jid.full, jid.full, first, second);
        const room = stanza.sizeMax(jid.wire, jid.wire);
        const target = Buffer.alloc(room + 8, 0xff);
        const end = stanza.write(target, 4, jid.wire, jid.wire);
        expect(end - 4).toBeLessThanOrEqual(room);
        expect([target[3], target[end]]).toEqual([0xff, 0xff]);
        expect(received(target.subarray(4, end))).toEqual(expected);
        // Its own tree keeps the addresses that it came with.
        const { element: own } = stanza;
        expect([own.children, own.attributes]).toEqual([expected.children, element.attributes]);
      }),
      settings(),
    );
  });

  test('is so too after a ring, where only the stamped bytes cross', () => {
    fc.assert(
      fc.property(message, address, tree, seed, (element, jid, child, choices) => {
        const dice = new Dice(choices);
        const sent = arrive(Buffer.from(writeVaried(element, dice))).toBuffer(jid.wire, jid.wire);
        const buffer = Buffer.concat([Buffer.from('<<'), sent, Buffer.from('>>')]);
        const crossed = Stanza.ofBytes(StanzaKind.MESSAGE, undefined, buffer, 2, buffer.length - 2);
        const expected = stamped(element, jid.full, jid.full);
        expect(received(crossed.toBuffer('ignored', 'ignored'))).toEqual(expected);
        const more = crossed.append(serialize(child, NS_CLIENT));
        expect(received(more.toBuffer('', ''))).toEqual(stamped(element, jid.full, jid.full, child));
        expect(more.element).toEqual(stamped(element, jid.full, jid.full, child));
        expect(more.attribute('from')).toBe(jid.full);
      }),
      settings(),
    );
  });

  test('is the same when the server made it as a tree', () => {
    fc.assert(
      fc.property(message, address, tree, (element, jid, child) => {
        const stanza = Stanza.of(element).append(serialize(child, NS_CLIENT));
        const { element: own } = stanza;
        expect([own.attributes, own.children]).toEqual([element.attributes, [...element.children, child]]);
        expect(received(stanza.toBuffer(jid.wire, jid.wire))).toEqual(
          stamped(element, jid.full, jid.full, child),
        );
      }),
      settings(),
    );
  });
});

describe('what the server writes', () => {
  test('gives back any tree that it was made from', () => {
    fc.assert(
      fc.property(tree, (element) => {
        const written = serialize(element, NS_CLIENT);
        expect(readOne(written, opened(NO_LIMITS))).toEqual(element);
        expect(received(Buffer.from(written))).toEqual(element);
      }),
      settings(),
    );
  });

  test('holds any text as a value, and nothing but a value (T04)', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), xmlText, (any, text) => {
        for (const value of [any, text, any + text]) {
          const carried = Array.from(value, (c) => (canCarry(c) ? c : '\ufffd')).join('');
          const written = `<a b='${escapeValue(value)}' c="${escapeValue(value)}">${escapeText(value)}</a>`;
          const expected = new Element(
            'a',
            NS_CLIENT,
            new Map([
              ['b', carried],
              ['c', carried],
            ]),
            carried === '' ? [] : [carried],
          );
          expect(readOne(written)).toEqual(expected);
          expect(received(Buffer.from(written))).toEqual(expected);
        }
      }),
      settings(2),
    );
  });

  test('binds no prefix that a stream must have bound', () => {
    const element = Element.of('a', NS_STREAM, { [`{${NS_STREAM}}b`]: '1' });
    expect(readOne(serialize(element), opened(NO_LIMITS, []))).toEqual(element);
  });
});

/** XML 1.0 §2.2 Char. */
function canCarry(c: string): boolean {
  return /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]$/u.test(c);
}
