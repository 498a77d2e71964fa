import type { Element } from './element.ts';

/**
 * Writing XML. Everything passes through the two escape functions, so that no value can end its attribute or element
 * (threat T04); what parses comes back as the same value.
 */

const TEXT_SPECIAL = /[&<>\r]/;
const VALUE_SPECIAL = /[&<>'"\t\n\r]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters XML 1.0 cannot carry at all
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

function escapeOne(c: string): string {
  switch (c) {
    case '&':
      return '&amp;';
    case '<':
      return '&lt;';
    case '>':
      return '&gt;';
    case "'":
      return '&apos;';
    case '"':
      return '&quot;';
    default:
      return `&#${c.charCodeAt(0)};`;
  }
}

/** Characters that XML cannot carry become U+FFFD: the server's own texts may quote anything. */
function xmlOnly(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return whole.replace(NOT_XML, '\ufffd');
}

/** Escapes character data. */
export function escapeText(text: string): string {
  const safe = xmlOnly(text);
  return TEXT_SPECIAL.test(safe) ? safe.replace(/[&<>\r]/g, escapeOne) : safe;
}

/** Escapes an attribute value for either kind of quotes; tabs and line ends survive the reader's normalisation. */
export function escapeValue(value: string): string {
  const safe = xmlOnly(value);
  return VALUE_SPECIAL.test(safe) ? safe.replace(/[&<>'"\t\n\r]/g, escapeOne) : safe;
}

/**
 * Serialises an element. `parentNs` is the default namespace where it will stand: an element of that namespace is
 * written without `xmlns`. Attributes of foreign namespaces get generated prefixes.
 */
export function serialize(element: Element, parentNs = ''): string {
  let out = `<${element.name}`;
  if (element.ns !== parentNs) out += ` xmlns='${escapeValue(element.ns)}'`;
  let prefixes = 0;
  for (const [name, value] of element.attributes) {
    if (name.charCodeAt(0) === 0x7b) {
      const close = name.lastIndexOf('}');
      const prefix = `ns${prefixes++}`;
      out += ` xmlns:${prefix}='${escapeValue(name.slice(1, close))}' ${prefix}:${name.slice(close + 1)}='${escapeValue(value)}'`;
    } else out += ` ${name}='${escapeValue(value)}'`;
  }
  if (element.children.length === 0) return `${out}/>`;
  out += '>';
  for (const child of element.children) {
    out += typeof child === 'string' ? escapeText(child) : serialize(child, element.ns);
  }
  return `${out}</${element.name}>`;
}
