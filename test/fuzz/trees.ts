import fc from 'fast-check';
import { Element } from '../../src/xml/element.ts';
import { NS_CLIENT, NS_STREAM } from '../../src/xmpp/namespaces.ts';

/** Text that XML can carry, rich in what it could stumble over. */
export const xmlText: fc.Arbitrary<string> = fc.string({
  unit: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'Z', '0', ' ', '-') },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        '<',
        '>',
        '&',
        "'",
        '"',
        ']',
        '\t',
        '\n',
        '\r',
        ';',
        '#',
        '=',
        '/',
        '!',
        '?',
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '\u007f',
        '\u0085',
        'é',
        '\u2028',
        '€',
        '\ufffd',
        '\ufeff',
        '😀',
        '\u{10ffff}',
      ),
    },
    { weight: 1, arbitrary: fc.constantFrom('amp', 'lt;', ']]>', '<!--', '__proto__', 'xmlns') },
  ),
  maxLength: 12,
});

const NAMES = [
  'a',
  'b',
  'body',
  'x-1.2',
  '_y',
  'é',
  '名前',
  '__proto__',
  'constructor',
  'xmlnsx',
  'Id',
  '\u{20000}',
];
const NAMESPACES = [NS_CLIENT, NS_CLIENT, NS_CLIENT, 'urn:x', 'urn:y', '', NS_STREAM, `a&b'c"<d>`, '{x}y}'];
const ATTRIBUTES = [
  'id',
  'type',
  'xml:lang',
  'c',
  '__proto__',
  'é',
  '{urn:x}b',
  '{urn:y}b',
  `{a&b'c"<d>}b`,
  `{${NS_STREAM}}x`,
];

const attributes = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...ATTRIBUTES), xmlText), {
    selector: ([name]) => name,
    maxLength: 4,
  })
  .map((entries) => new Map(entries));

/** Text next to text is one piece, and no piece is empty, as in what is read. */
function joined(children: readonly (Element | string)[]): (Element | string)[] {
  const result: (Element | string)[] = [];
  for (const child of children) {
    if (child === '') continue;
    const last = result.length - 1;
    if (typeof child === 'string' && typeof result[last] === 'string') result[last] += child;
    else result.push(child);
  }
  return result;
}

const { element } = fc.letrec<{ element: Element; child: Element | string }>((tie) => ({
  element: fc
    .tuple(
      fc.constantFrom(...NAMES),
      fc.constantFrom(...NAMESPACES),
      attributes,
      fc.array(tie('child'), { maxLength: 4, depthIdentifier: 'tree' }),
    )
    .map(([name, ns, map, children]) => new Element(name, ns, map, joined(children))),
  child: fc.oneof({ maxDepth: 4, depthIdentifier: 'tree' }, xmlText, tie('element')),
}));

/** An element as it may stand in a stream. */
export const tree: fc.Arbitrary<Element> = element;

/** A message; its addresses are written in among the other attributes. */
export const message: fc.Arbitrary<Element> = fc
  .tuple(element, fc.option(xmlText, { nil: undefined }), fc.option(xmlText, { nil: undefined }))
  .map(([{ attributes: map, children }, from, to]) => {
    const all = new Map(map);
    if (from !== undefined) all.set('from', from);
    if (to !== undefined) all.set('to', to);
    return new Element('message', NS_CLIENT, all, children);
  });
