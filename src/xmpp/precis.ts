import { domainToASCII, domainToUnicode } from 'node:url';

/**
 * Preparation and comparison of address parts: RFC 7622 over PRECIS (RFC 8264, 8265), from the Unicode data of the runtime.
 * Each function is idempotent, and returns undefined for what it must refuse. Lengths are checked by the caller.
 *
 * No maintained PRECIS library exists for JavaScript; the two profiles are small enough to stand here.
 */

// RFC 8264 §9.1: letters and digits; §9.7 printable ASCII is always valid.
const LETTER_DIGIT = /^[\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}]$/u;
// RFC 8264 §9.18 OtherLetterDigits, §9.14 Spaces, §9.15 Symbols, §9.16 Punctuation: valid in the FreeformClass only.
const FREEFORM_MORE =
  /^[\p{Lt}\p{Nl}\p{No}\p{Me}\p{Zs}\p{Sm}\p{Sc}\p{Sk}\p{So}\p{Pc}\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}]$/u;
const IGNORABLE = /^[\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]$/u;
const VIRAMA =
  /^[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca\u0e3a\u0f84\u1039\u1714\u1734\u17d2\u1a60\u1b44\u1baa\u1bf2\u1bf3\u2d7f\ua806\ua8c4\ua953\ua9c0\uaaf6\uabed]$/u;
const OLD_HANGUL_JAMO = /^[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]$/u;
// RFC 8264 §9.6 Exceptions (the list of RFC 5892 §2.6).
const EXCEPTION_VALID = new Set(['ß', 'ς', '۽', '۾', '་', '〇']);
const EXCEPTION_DISALLOWED = new Set(['ـ', 'ߺ', '〮', '〯', '〱', '〲', '〳', '〴', '〵', '〻']);

type Class = 'identifier' | 'freeform';

/** Whether every code point of `text` is valid in the string class (RFC 8264 §8), contextual rules included. */
function isInClass(text: string, cls: Class): boolean {
  const points = Array.from(text);
  for (let i = 0; i < points.length; i++) if (!isValid(points, i, cls)) return false;
  return true;
}

function isValid(points: readonly string[], i: number, cls: Class): boolean {
  const c = points[i]!;
  const code = c.codePointAt(0)!;
  if (code >= 0x21 && code <= 0x7e) return true;
  if (EXCEPTION_VALID.has(c)) return true;
  if (EXCEPTION_DISALLOWED.has(c)) return false;
  const contextual = contextRule(points, i, code);
  if (contextual !== undefined) return contextual;
  if (OLD_HANGUL_JAMO.test(c) || IGNORABLE.test(c) || code < 0x20 || (code >= 0x7f && code < 0xa0))
    return false;
  const hasCompat = c.normalize('NFKC') !== c;
  if (cls === 'identifier') return !hasCompat && LETTER_DIGIT.test(c);
  return LETTER_DIGIT.test(c) || FREEFORM_MORE.test(c) || hasCompat;
}

/** RFC 5892 appendix A, which RFC 8264 §9.5 takes over. Undefined when no rule concerns this code point. */
function contextRule(points: readonly string[], i: number, code: number): boolean | undefined {
  const before = points[i - 1];
  const after = points[i + 1];
  switch (code) {
    case 0x200c:
    case 0x200d:
      return before !== undefined && VIRAMA.test(before);
    case 0xb7:
      return before === 'l' && after === 'l';
    case 0x375:
      return after !== undefined && /\p{Script=Greek}/u.test(after);
    case 0x5f3:
    case 0x5f4:
      return before !== undefined && /\p{Script=Hebrew}/u.test(before);
    case 0x30fb:
      return points.some((c) => /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u.test(c));
    default:
      if (code >= 0x660 && code <= 0x669) return !points.some((c) => c >= '\u06f0' && c <= '\u06f9');
      if (code >= 0x6f0 && code <= 0x6f9) return !points.some((c) => c >= '\u0660' && c <= '\u0669');
      return undefined;
  }
}

/** Fullwidth and halfwidth forms to their ordinary ones (RFC 8265 §3.3.1). */
function mapWidth(text: string): string {
  return text.replace(/[\uff01-\uffee]/g, (c) => c.normalize('NFKC'));
}

const RIGHT_TO_LEFT =
  /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Samaritan}\p{Script=Mandaic}]/u;
const LEFT_TO_RIGHT =
  /[A-Za-z\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Armenian}\p{Script=Devanagari}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;

/** The Bidi Rule (RFC 5893 §2) in the form that concerns one label: no mixture, and a right-to-left start and end. */
function obeysBidiRule(text: string): boolean {
  if (!RIGHT_TO_LEFT.test(text)) return true;
  if (LEFT_TO_RIGHT.test(text)) return false;
  const points = Array.from(text.replace(/\p{Mn}+$/u, ''));
  return (
    (RIGHT_TO_LEFT.test(points[0]!) && /[\p{Nd}]/u.test(points.at(-1)!)) || RIGHT_TO_LEFT.test(points.at(-1)!)
  );
}

/** Code points that PRECIS allows in a username but RFC 7622 §3.3.1 excludes from a localpart. */
const NOT_IN_LOCALPART = /["&'/:<>@]/;

/** UsernameCaseMapped (RFC 8265 §3.3), with the exclusions of RFC 7622 §3.3.1. */
export function prepareLocalpart(text: string): string | undefined {
  const mapped = mapWidth(text);
  if (!mapped.isWellFormed() || !isInClass(mapped, 'identifier')) return undefined;
  const result = mapped.toLowerCase().normalize('NFC');
  if (result === '' || NOT_IN_LOCALPART.test(result)) return undefined;
  if (!isInClass(result, 'identifier') || !obeysBidiRule(result)) return undefined;
  return result;
}

/** OpaqueString (RFC 8265 §4.2), as RFC 7622 §3.4 asks for resources. */
export function prepareResource(text: string): string | undefined {
  if (!text.isWellFormed() || !isInClass(text, 'freeform')) return undefined;
  const result = text.replace(/\p{Zs}/gu, ' ').normalize('NFC');
  return result === '' || !isInClass(result, 'freeform') ? undefined : result;
}

const IPV6 = /^\[[0-9a-f:.]+\]$/i;

/** Domainpart (RFC 7622 §3.2): IDNA by way of UTS #46, in its Unicode form, without a final dot; or an IP literal. */
export function prepareDomain(text: string): string | undefined {
  if (IPV6.test(text)) return text.toLowerCase();
  const ascii = domainToASCII(text.endsWith('.') ? text.slice(0, -1) : text);
  if (ascii === '' || ascii.endsWith('.') || /[^a-z0-9.-]/.test(ascii)) return undefined;
  if (ascii.split('.').some((label) => label === '' || label.length > 63)) return undefined;
  const unicode = domainToUnicode(ascii);
  return unicode === '' ? undefined : unicode;
}
