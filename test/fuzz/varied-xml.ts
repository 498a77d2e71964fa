import type { Element } from '../../src/xml/element.ts';
import { NS_CLIENT, NS_STREAM } from '../../src/xmpp/namespaces.ts';
import type { Dice } from './dice.ts';

/** What a prefix stands for; the empty prefix is the default namespace. */
type Scope = ReadonlyMap<string, string>;

const STREAM_SCOPE: Scope = new Map([
  ['', NS_CLIENT],
  ['stream', NS_STREAM],
]);
const PREFIXES = ['p', 'q', 'ns0', 'stream', 'é', 'constructor'];

/** Writes an element in one of the countless ways that XML has for it, inside a client's stream. */
export function writeVaried(element: Element, dice: Dice, scope: Scope = STREAM_SCOPE): string {
  const inner = new Map(scope);
  const declarations = new Map<string, string>();
  const declare = (prefix: string, uri: string): void => {
    inner.set(prefix, uri);
    declarations.set(prefix, uri);
  };
  const name = qualify(element.name, element.ns, dice, inner, declarations, declare);
  const parts: string[] = [];
  for (const [key, value] of element.attributes) {
    const close = key.lastIndexOf('}');
    const attribute =
      close < 0
        ? key
        : prefixed(key.slice(close + 1), key.slice(1, close), dice, inner, declarations, declare);
    parts.splice(dice.below(parts.length + 1), 0, writeAttribute(attribute, value, dice));
  }
  for (const [prefix, uri] of declarations) {
    const attribute = prefix === '' ? 'xmlns' : `xmlns:${prefix}`;
    parts.splice(dice.below(parts.length + 1), 0, writeAttribute(attribute, uri, dice));
  }
  const open = `<${name}${parts.map((part) => space(dice, 1) + part).join('')}${space(dice, 0)}`;
  const content = element.children
    .map((child) => (typeof child === 'string' ? writeText(child, dice) : writeVaried(child, dice, inner)))
    .join('');
  if (content === '' && dice.once(2)) return `${open}/>`;
  return `${open}>${content}</${name}${space(dice, 0)}>`;
}

function qualify(
  local: string,
  uri: string,
  dice: Dice,
  scope: Scope,
  declarations: ReadonlyMap<string, string>,
  declare: (prefix: string, uri: string) => void,
): string {
  if (uri !== '' && dice.once(4)) return prefixed(local, uri, dice, scope, declarations, declare);
  if ((scope.get('') ?? '') !== uri || dice.once(8)) declare('', uri);
  return local;
}

function prefixed(
  local: string,
  uri: string,
  dice: Dice,
  scope: Scope,
  declarations: ReadonlyMap<string, string>,
  declare: (prefix: string, uri: string) => void,
): string {
  const bound = [...scope].filter(([prefix, value]) => prefix !== '' && value === uri);
  if (bound.length > 0 && !dice.once(4)) return `${dice.pick(bound)[0]}:${local}`;
  // A prefix that this element uses already keeps its meaning.
  const free = PREFIXES.filter((prefix) => !declarations.has(prefix) && !scope.has(prefix));
  const prefix = free.length > 0 ? dice.pick(free) : `n${declarations.size}x${scope.size}`;
  declare(prefix, uri);
  return `${prefix}:${local}`;
}

function space(dice: Dice, least: number): string {
  const length = dice.once(4) ? least + dice.below(3) : least;
  return Array.from({ length }, () => dice.pick([' ', ' ', '\n', '\t', '\r\n', '\r'])).join('');
}

function writeAttribute(name: string, value: string, dice: Dice): string {
  const quote = dice.pick([`'`, `"`]);
  let written = '';
  for (const c of value) {
    // A carriage return and a line feed next to each other would be one line end.
    if (c === ' ' && dice.once(4))
      written += dice.pick(written.endsWith('\r') ? ['\t'] : ['\n', '\t', '\r\n', '\r']);
    else if (c === quote || '&<\t\n\r'.includes(c) || dice.once(12)) written += reference(c, dice);
    else written += c;
  }
  return `${name}${space(dice, 0)}=${space(dice, 0)}${quote}${written}${quote}`;
}

function writeText(text: string, dice: Dice): string {
  let written = '';
  let isCdata = false;
  for (const c of text) {
    if (dice.once(10)) {
      written += isCdata ? ']]>' : '<![CDATA[';
      isCdata = !isCdata;
    }
    if (isCdata && (c === '\r' || (c === '>' && written.endsWith(']]')))) {
      written += ']]>';
      isCdata = false;
    }
    if (isCdata) written += c;
    else if (c === '\n' && !written.endsWith('\r')) written += dice.pick(['\n', '\r\n', '\r', '&#10;']);
    else if (c === '\n') written += '&#xA;';
    else if ('&<\r'.includes(c) || (c === '>' && written.endsWith(']]')) || dice.once(12))
      written += reference(c, dice);
    else written += c;
  }
  return isCdata ? `${written}]]>` : written;
}

const ENTITIES = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ["'", '&apos;'],
  ['"', '&quot;'],
]);

function reference(c: string, dice: Dice): string {
  const entity = ENTITIES.get(c);
  if (entity !== undefined && dice.once(2)) return entity;
  const code = c.codePointAt(0)!;
  const zeros = '0'.repeat(dice.below(3));
  if (dice.once(2)) return `&#${zeros}${code};`;
  const hex = code.toString(16);
  return `&#x${zeros}${dice.once(2) ? hex : hex.toUpperCase()};`;
}
