import { describe, expect, test } from 'vitest';
import { Element } from '../../../src/xml/element.ts';
import { NS_CLIENT } from '../../../src/xmpp/namespaces.ts';
import { readOne } from './reading.ts';

describe('character data', () => {
  function text(input: string): string {
    return readOne(`<a>${input}</a>`).text();
  }

  test.each([
    ['the predefined entities', '&lt;&gt;&amp;&quot;&apos;', `<>&"'`],
    ['decimal and hexadecimal references', '&#65;&#x42;&#x1f600;&#x1F600;', 'AB😀😀'],
    ['references with leading zeros', '&#0065;&#x00042;', 'AB'],
    ['references to references, once', '&amp;lt;', '&lt;'],
    ['characters of two, three and four bytes', 'é€😀', 'é€😀'],
  ])('resolves %s', (_what, input, expected) => {
    expect(text(input)).toBe(expected);
  });

  test('has its line ends normalised (XML 1.0 §2.11)', () => {
    expect(text('1\r\n2\r3\n4\r\r\n5')).toBe('1\n2\n3\n4\n\n5');
    expect(text('1&#13;&#10;2&#13;')).toBe('1\r\n2\r');
  });

  test('is the same in CDATA, which resolves no references', () => {
    expect(text('<![CDATA[<b>&amp;]]>')).toBe(text('&lt;b>&amp;amp;'));
    expect(text('<![CDATA[1\r\n2\r3]]>')).toBe('1\n2\n3');
    expect(text('<![CDATA[]]]>')).toBe(']');
    expect(text('<![CDATA[]]]]><![CDATA[>]]>')).toBe(']]>');
  });

  test('is one piece where text and CDATA touch', () => {
    expect(readOne('<a>1<![CDATA[2]]>3<![CDATA[]]><![CDATA[4]]></a>').children).toEqual(['1234']);
  });

  test('keeps space, and its place among the children', () => {
    expect(
      readOne('<a> <b/>\n<c/>\t</a>').children.map((child) =>
        typeof child === 'string' ? child : child.name,
      ),
    ).toEqual([' ', 'b', '\n', 'c', '\t']);
  });

  test('of nothing is no child', () => {
    expect(readOne('<a></a>').children).toEqual([]);
    expect(readOne('<a><![CDATA[]]></a>').children).toEqual([]);
  });
});

describe('attribute values', () => {
  function value(input: string): string | undefined {
    return readOne(`<a b="${input}"/>`).attribute('b');
  }

  test('have their space normalised, but not what references stand for (XML 1.0 §3.3.3)', () => {
    expect(value('1\t2\n3\r4\r\n5  6')).toBe('1 2 3 4 5  6');
    expect(value('1&#9;2&#10;3&#13;4&#32;5')).toBe('1\t2\n3\r4 5');
  });

  test('have their references resolved', () => {
    expect(value('&lt;&gt;&amp;&quot;&apos;&#x41;')).toBe(`<>&"'A`);
  });

  test('may be empty, and hold the other kind of quotes', () => {
    expect(value('')).toBe('');
    expect(value("it's")).toBe("it's");
  });
});

describe('names that mean something to JavaScript', () => {
  const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'prototype'];

  test.each(NAMES)('%s is an attribute like any other (T54)', (name) => {
    const element = readOne(`<a ${name}='1'/>`);
    expect([...element.attributes]).toEqual([[name, '1']]);
    expect(element.attribute(name)).toBe('1');
    expect(readOne('<a/>').attribute(name)).toBeUndefined();
  });

  test.each(NAMES)('%s is an element like any other', (name) => {
    expect(readOne(`<a><${name}>x</${name}></a>`).childText(name)).toBe('x');
  });

  test.each(NAMES)('%s is a prefix like any other', (name) => {
    const element = readOne(`<${name}:a xmlns:${name}='urn:x' ${name}:b='1'/>`);
    expect([element.name, element.ns, element.attribute('{urn:x}b')]).toEqual(['a', 'urn:x', '1']);
    expect(() => readOne(`<${name}:a/>`)).toThrow('bad-namespace-prefix');
  });

  test.each(NAMES)('%s is a namespace like any other', (name) => {
    expect(readOne(`<a xmlns='${name}'/>`).ns).toBe(name);
  });

  test('leave the prototype of objects as it was', () => {
    readOne("<a __proto__='1'><__proto__ polluted='yes'/></a>");
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('many numeric names cost no more than others (T53)', () => {
    const many = Array.from({ length: 60 }, (_, i) => `<b id='${i * 1024}'/>`).join('');
    expect(
      readOne(`<a>${many}</a>`)
        .elements()
        .map((child) => child.attribute('id')),
    ).toHaveLength(60);
  });
});

describe('an element', () => {
  const tree = readOne("<a><b>1</b>text<c xmlns='x'>2</c><b>3</b></a>");

  test('finds children in its own namespace, or in the one given', () => {
    expect(tree.child('b')?.text()).toBe('1');
    expect(tree.child('c')).toBeUndefined();
    expect(tree.child('c', 'x')?.text()).toBe('2');
    expect(tree.childOf('x')?.name).toBe('c');
    expect(tree.childOf('y')).toBeUndefined();
    expect([tree.childText('b'), tree.childText('d')]).toEqual(['1', undefined]);
  });

  test('lists its child elements and its own text', () => {
    expect(tree.elements().map(({ name }) => name)).toEqual(['b', 'c', 'b']);
    expect(tree.text()).toBe('text');
  });

  test('is built without the attributes that are undefined', () => {
    expect([...Element.of('a', NS_CLIENT, { b: '1', c: undefined }).attributes]).toEqual([['b', '1']]);
  });

  test('has copies that change without it', () => {
    const copy = tree.copy();
    copy.attributes.set('new', '1');
    copy.children.push('more');
    expect(tree.attribute('new')).toBeUndefined();
    expect(tree.children).toHaveLength(4);
  });
});
