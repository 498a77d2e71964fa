import { describe, expect, test } from 'vitest';
import { Element } from '../../../src/xml/element.ts';
import { escapeText, escapeValue, serialize } from '../../../src/xml/writer.ts';
import { NS_CLIENT } from '../../../src/xmpp/namespaces.ts';
import { readOne } from './reading.ts';

/** Everything that could end an attribute or an element (T04). */
const HOSTILE = `'/><message to='x'/>"><!--]]>&amp;\r\n\t<![CDATA[`;

describe('escaping', () => {
  test('leaves ordinary text as it is', () => {
    expect(escapeText('hello, wörld 😀')).toBe('hello, wörld 😀');
    expect(escapeValue('hello, wörld 😀')).toBe('hello, wörld 😀');
  });

  test('writes what could be markup as references', () => {
    expect(escapeText(`<>&'"]]>`)).toBe(`&lt;&gt;&amp;'"]]&gt;`);
    expect(escapeValue(`<>&'"`)).toBe('&lt;&gt;&amp;&apos;&quot;');
  });

  test('writes what the reader would normalise as references', () => {
    expect(escapeText('a\r\nb\tc')).toBe('a&#13;\nb\tc');
    expect(escapeValue('a\r\nb\tc')).toBe('a&#13;&#10;b&#9;c');
  });

  test.each([
    ['a control character', '\u0001'],
    ['NUL', '\0'],
    ['U+FFFE', '\ufffe'],
    ['U+FFFF', '\uffff'],
    ['half of a pair', '\ud83d'],
    ['the other half', '\ude00'],
  ])('replaces %s, which XML cannot carry', (_what, c) => {
    expect(escapeText(`a${c}b`)).toBe('a\ufffdb');
    expect(escapeValue(`a${c}b`)).toBe('a\ufffdb');
  });

  test('gives back the same value when it is read (T04)', () => {
    const element = Element.of(
      'a',
      NS_CLIENT,
      { id: HOSTILE, 'xml:lang': HOSTILE },
      Element.of('b', HOSTILE, {}, HOSTILE),
      HOSTILE,
    );
    expect(readOne(serialize(element, NS_CLIENT))).toEqual(element);
  });
});

describe('serialising', () => {
  test('declares a namespace only where it changes', () => {
    const element = Element.of(
      'a',
      NS_CLIENT,
      {},
      Element.of('b', NS_CLIENT),
      Element.of('c', 'x', {}, Element.of('d', 'x'), Element.of('e', NS_CLIENT)),
      Element.of('f', ''),
    );
    const inside = `<b/><c xmlns='x'><d/><e xmlns='jabber:client'/></c><f xmlns=''/></a>`;
    expect(serialize(element, NS_CLIENT)).toBe(`<a>${inside}`);
    expect(serialize(element)).toBe(`<a xmlns='jabber:client'>${inside}`);
  });

  test('writes attributes in order, text between elements, and empty elements short', () => {
    const element = Element.of('a', '', { z: '1', a: '2' }, 'x', Element.of('b', ''), 'y');
    expect(serialize(element)).toBe("<a z='1' a='2'>x<b/>y</a>");
  });

  test('gives attributes of foreign namespaces a prefix', () => {
    const element = Element.of('a', NS_CLIENT, {
      '{urn:x}b': '1',
      '{urn:y}b': '2',
      b: '3',
      'xml:lang': 'en',
    });
    expect(serialize(element, NS_CLIENT)).toBe(
      "<a xmlns:ns0='urn:x' ns0:b='1' xmlns:ns1='urn:y' ns1:b='2' b='3' xml:lang='en'/>",
    );
    expect(readOne(serialize(element, NS_CLIENT))).toEqual(element);
  });

  test('copes with a namespace that holds braces', () => {
    const element = readOne("<a xmlns:p='{x}y}' p:b='1'/>");
    expect(readOne(serialize(element, NS_CLIENT))).toEqual(element);
  });

  test('goes deeper than any stanza', () => {
    let element = Element.of('a', NS_CLIENT);
    for (let i = 0; i < 1000; i++) element = Element.of('a', NS_CLIENT, {}, element);
    expect(serialize(element, NS_CLIENT)).toBe(`${'<a>'.repeat(1000)}<a/>${'</a>'.repeat(1000)}`);
  });
});
