import { domainToASCII, domainToUnicode } from 'node:url';
import { obeysBidiRule } from './bidi-rule.ts';
import { isInClass } from './precis-class.ts';

/**
 * Preparation and comparison of address parts: RFC 7622 over PRECIS (RFC 8264, 8265), from the Unicode data of the runtime.
 * Each function is idempotent, and returns undefined for what it must refuse. Lengths are checked by the caller.
 *
 * No maintained PRECIS library exists for JavaScript; the two profiles are small enough to stand here.
 */

/** Code points that PRECIS allows in a username but RFC 7622 §3.3.1 excludes from a localpart. */
const NOT_IN_LOCALPART = /["&'/:<>@]/;

/** UsernameCaseMapped (RFC 8265 §3.3), with the exclusions of RFC 7622 §3.3.1. */
export function prepareLocalpart(text: string): string | undefined {
  if (!text.isWellFormed()) return undefined;
  const wide = mapWidth(text);
  // What is not valid stays invalid, even where lower case would make something valid of it (the Kelvin sign, a `k`).
  if (!isInClass(wide, 'identifier')) return undefined;
  const result = wide.toLowerCase().normalize('NFC');
  if (result === '' || NOT_IN_LOCALPART.test(result)) return undefined;
  return isInClass(result, 'identifier') && obeysBidiRule(result) ? result : undefined;
}

/** Fullwidth and halfwidth forms to their ordinary ones (RFC 8265 §3.3.2). */
function mapWidth(text: string): string {
  return text.replace(/[\u3000\uff01-\uffee]/g, (c) => c.normalize('NFKC'));
}

/** OpaqueString (RFC 8265 §4.2), as RFC 7622 §3.4 asks for resources. */
export function prepareResource(text: string): string | undefined {
  if (!text.isWellFormed() || !isInClass(text, 'freeform')) return undefined;
  const result = text.replace(/\p{Zs}/gu, ' ').normalize('NFC');
  return result === '' || !isInClass(result, 'freeform') ? undefined : result;
}

/** A label of letters, digits and hyphens, as DNS knows it. */
const LDH_LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;
const NOT_IN_DOMAIN = /[^a-z0-9.\u0080-\u{10ffff}-]/iu;
const IDEOGRAPHIC_DOT = /[\u3002\uff0e\uff61]/g;
const DOMAIN_ENCODED = /^xn--|\.xn--/i;

/** Domainpart (RFC 7622 §3.2): a name in its Unicode form without a final dot, or an IP address. */
export function prepareDomain(text: string): string | undefined {
  if (text.startsWith('[')) return prepareIpv6(text);
  if (!text.isWellFormed()) return undefined;
  const dotted = text.replace(IDEOGRAPHIC_DOT, '.');
  const name = dotted.endsWith('.') ? dotted.slice(0, -1) : dotted;
  // `domainToASCII` takes the host of a URL: without this, `a/b` would be `a` and `%61` an `a`.
  if (name === '' || NOT_IN_DOMAIN.test(name)) return undefined;
  const isPlain = !/[^\0-\x7f]/.test(name) && !DOMAIN_ENCODED.test(name);
  return isPlain ? prepareLdhDomain(name.toLowerCase()) : prepareIdnaDomain(name);
}

function prepareLdhDomain(name: string): string | undefined {
  return name.split('.').every((label) => LDH_LABEL.test(label)) ? name : undefined;
}

/** IDNA2008 with the mapping of UTS #46. */
function prepareIdnaDomain(name: string): string | undefined {
  // The last label keeps `domainToASCII` from reading numbers as an IPv4 address in one of its odd forms.
  const ascii = domainToASCII(`${name}.x`).slice(0, -'.x'.length);
  if (ascii === '' || prepareLdhDomain(ascii) === undefined) return undefined;
  const unicode = domainToUnicode(`${ascii}.x`).slice(0, -'.x'.length);
  // UTS #46 lets symbols pass and leaves a broken encoding as it is; RFC 5891 does not.
  const isValid = unicode.split('.').every((label) => isInClass(label, 'identifier') && obeysBidiRule(label));
  if (!isValid || DOMAIN_ENCODED.test(unicode)) return undefined;
  return domainToASCII(`${unicode}.x`) === `${ascii}.x` ? unicode : undefined;
}

/** An IP-literal (RFC 3986 §3.2.2) in its shortest form. */
function prepareIpv6(text: string): string | undefined {
  if (!/^\[[0-9a-f:.]+\]$/i.test(text)) return undefined;
  const shortest = domainToASCII(text);
  return shortest === '' ? undefined : shortest;
}
