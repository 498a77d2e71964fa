import { describe, expect, test } from 'vitest';
import { XML_NS, XMLNS_NS } from '../../../src/xml/stream-context.ts';
import { NS_CLIENT, NS_STREAM } from '../../../src/xmpp/namespaces.ts';
import { opened, read, readOne } from './reading.ts';

function verdictOf(input: string): string {
  const { end, text } = read(input);
  return text === '' ? end : `${end}: ${text}`;
}

const RESERVED = 'not-well-formed: reserved namespace or prefix';
const UNBOUND = 'bad-namespace-prefix: prefix is not bound';
const TWICE = 'not-well-formed: attribute given twice';

describe('the default namespace', () => {
  test('is that of the stream, until an element declares another', () => {
    const a = readOne("<a><b xmlns='x'><c/><d xmlns='y'/><e/></b><f/></a>");
    const b = a.elements()[0]!;
    expect([a.ns, b.ns, ...b.elements().map(({ ns }) => ns), a.elements()[1]!.ns]).toEqual([
      NS_CLIENT,
      'x',
      'x',
      'y',
      'x',
      NS_CLIENT,
    ]);
  });

  test("may be undone by xmlns=''", () => {
    const a = readOne("<a><b xmlns=''><c/></b></a>");
    const b = a.elements()[0]!;
    expect([a.ns, b.ns, b.elements()[0]!.ns]).toEqual([NS_CLIENT, '', '']);
  });

  test('does not hold for attributes', () => {
    expect([...readOne("<a xmlns='x' b='1'/>").attributes]).toEqual([['b', '1']]);
  });

  test('may be declared after attributes, and with references in it', () => {
    expect(readOne("<a b='1' xmlns='x&amp;y'/>").ns).toBe('x&y');
    expect(readOne("<a xmlns='jabber&#58;client'/>").ns).toBe(NS_CLIENT);
  });
});

describe('a prefix', () => {
  test('is bound by its element, for all inside', () => {
    const a = readOne("<p:a xmlns:p='x'><p:b><c/></p:b></p:a>");
    expect([a.name, a.ns, a.elements()[0]!.ns, a.elements()[0]!.elements()[0]!.ns]).toEqual([
      'a',
      'x',
      'x',
      NS_CLIENT,
    ]);
  });

  test('may be bound anew inside, and is what it was afterwards', () => {
    const a = readOne("<p:a xmlns:p='x'><p:b xmlns:p='y' p:e='1'/><p:c p:e='2'/></p:a>");
    expect(a.elements().map(({ ns }) => ns)).toEqual(['y', 'x']);
    expect(a.elements().map((child) => [...child.attributes][0])).toEqual([
      ['{y}e', '1'],
      ['{x}e', '2'],
    ]);
  });

  test('is not bound before or after its element', () => {
    expect(verdictOf("<a><p:b xmlns:p='x'/><p:c/></a>")).toBe(UNBOUND);
    expect(verdictOf("<p:a><b xmlns:p='x'/></p:a>")).toBe(UNBOUND);
    expect(verdictOf("<a xmlns:p='x'/><p:b/>")).toBe(UNBOUND);
  });

  test('is told from one that it begins with', () => {
    expect(verdictOf("<pp:a xmlns:p='x'/>")).toBe(UNBOUND);
    expect(readOne("<pp:a xmlns:p='x' xmlns:pp='y'/>").ns).toBe('y');
    expect(verdictOf("<P:a xmlns:p='x'/>")).toBe(UNBOUND);
  });

  test('may be bound by the stream', () => {
    const error = readOne("<stream:error stream:a='1'/>");
    expect([error.name, error.ns, error.attribute(`{${NS_STREAM}}a`)]).toEqual(['error', NS_STREAM, '1']);
    const other = opened(undefined, [
      { prefix: '', uri: NS_CLIENT },
      { prefix: 's', uri: NS_STREAM },
      { prefix: 'p', uri: 'x' },
    ]);
    expect(readOne('<p:a/>', other).ns).toBe('x');
    expect(readOne("<p:a xmlns:p='y'/>", other).ns).toBe('y');
    expect(read('<stream:a/>', other).end).toBe('bad-namespace-prefix');
  });

  test('may be as long as xmlns, or begin with it', () => {
    expect([...readOne("<a xmlns:other='x' other:b='1'/>").attributes]).toEqual([['{x}b', '1']]);
    expect([...readOne("<a xmlns:xmlnsx='x' xmlnsx:b='1'/>").attributes]).toEqual([['{x}b', '1']]);
    expect(verdictOf("<a other:b='1'/>")).toBe(UNBOUND);
    expect(verdictOf("<a xmlnsx:b='1'/>")).toBe(UNBOUND);
    expect(verdictOf("<a xmlns:other='x' xmlns:xmlnsx='x' other:b='1' xmlnsx:b='2'/>")).toBe(TWICE);
  });

  test('may hold other letters', () => {
    expect(readOne("<ä:b xmlns:ä='x' ä:c='1'/>").attribute('{x}c')).toBe('1');
  });

  test('cannot be bound to nothing', () => {
    expect(verdictOf("<a xmlns:p=''/>")).toBe('not-well-formed: prefix bound to no namespace');
  });

  test('cannot be declared with an empty name', () => {
    expect(verdictOf("<a xmlns:='x'/>")).toBe('not-well-formed: bad character in a name');
  });
});

describe('the reserved prefixes', () => {
  test('xml is always bound, and may be declared only as what it is', () => {
    expect(readOne("<a xml:lang='en' xml:space='preserve'/>").attribute('xml:lang')).toBe('en');
    expect(readOne('<xml:a/>').ns).toBe(XML_NS);
    expect(readOne(`<a xmlns:xml='${XML_NS}' xml:lang='en'/>`).attribute('xml:lang')).toBe('en');
    expect(verdictOf("<a xmlns:xml='x'/>")).toBe(RESERVED);
  });

  test('xmlns cannot be declared, nor used for an element', () => {
    expect(verdictOf(`<a xmlns:xmlns='${XMLNS_NS}'/>`)).toBe(RESERVED);
    expect(verdictOf("<a xmlns:xmlns='x'/>")).toBe(RESERVED);
    expect(verdictOf('<xmlns:a/>')).toBe(UNBOUND);
  });

  test('no other prefix may have their namespaces, however these are written', () => {
    for (const uri of [XML_NS, XMLNS_NS, XML_NS.replace('w', '&#119;'), XMLNS_NS.replace('/', '&#x2f;')]) {
      expect(verdictOf(`<a xmlns:p='${uri}'/>`)).toBe(RESERVED);
      expect(verdictOf(`<a xmlns='${uri}'/>`)).toBe(RESERVED);
    }
  });

  test('names that only begin with them are ordinary', () => {
    expect(readOne("<xmlnsa xmlnsb='1' xmlc='2'/>").attributes.size).toBe(2);
    expect(readOne("<a xmlns:xmlnsx='x' xmlns:xmlx='y'/>").attributes.size).toBe(0);
  });
});

describe('attributes of one expanded name', () => {
  test('are refused through two prefixes', () => {
    expect(verdictOf("<a xmlns:p='x' xmlns:q='x' p:b='1' q:b='2'/>")).toBe(TWICE);
    expect(verdictOf("<a xmlns:p='x'><b xmlns:q='x' q:b='1' p:b='2'/></a>")).toBe(TWICE);
    expect(verdictOf("<a xmlns:p='x&amp;y' xmlns:q='x&#38;y' p:b='1' q:b='2'/>")).toBe(TWICE);
    expect(verdictOf(`<a xmlns:p='${NS_STREAM}' p:b='1' stream:b='2'/>`)).toBe(TWICE);
  });

  test('are refused wherever they stand among others', () => {
    const between = Array.from({ length: 20 }, (_, i) => `c${i}='' p:d${i}=''`).join(' ');
    expect(verdictOf(`<a p:b='1' ${between} q:b='2' xmlns:p='x' xmlns:q='x'/>`)).toBe(TWICE);
  });

  test('are two when one has no prefix, or the namespaces differ', () => {
    expect(readOne("<a xmlns='x' xmlns:p='x' p:b='1' b='2'/>").attributes.size).toBe(2);
    expect(readOne("<a xmlns:p='x' xmlns:q='y' p:b='1' q:b='2'/>").attributes.size).toBe(2);
    expect(readOne("<a xmlns:p='x' xmlns:q='x' p:b='1' q:c='2'/>").attributes.size).toBe(2);
  });
});
