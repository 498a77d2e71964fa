/**
 * The string classes of PRECIS (RFC 8264 §4): which characters may stand in an identifier or in free text.
 *
 * Derived from the Unicode data of the runtime, in the order of RFC 8264 §8. A character new to Unicode becomes valid with the runtime
 * that knows it.
 */

export type PrecisClass = 'identifier' | 'freeform';

// RFC 8264 §9.1 LetterDigits.
const LETTER_DIGIT = /^[\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}]$/u;
// RFC 8264 §9.18 OtherLetterDigits, §9.14 Spaces, §9.15 Symbols, §9.16 Punctuation.
const FREEFORM_ONLY =
  /^[\p{Lt}\p{Nl}\p{No}\p{Me}\p{Zs}\p{Sm}\p{Sc}\p{Sk}\p{So}\p{Pc}\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}]$/u;
// RFC 8264 §9.13 PrecisIgnorableProperties.
const IGNORABLE = /^[\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]$/u;
// RFC 8264 §9.9 OldHangulJamo: Hangul_Syllable_Type L, V or T.
const OLD_HANGUL_JAMO = /^[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7c6\ud7cb-\ud7fb]$/;
// RFC 8264 §9.6 Exceptions. The middle dot and the digits among them have rules that concern the whole string, and pass here.
const EXCEPTION_VALID = /^[\u00df\u03c2\u06fd\u06fe\u0f0b\u3007\u30fb]$/;
const EXCEPTION_DISALLOWED = /^[\u0640\u07fa\u302e\u302f\u3031-\u3035\u303b]$/;

/** Whether every character of `text` is valid in the class, where it stands. */
export function isInClass(text: string, cls: PrecisClass): boolean {
  if (!obeysStringRules(text)) return false;
  const points = Array.from(text);
  return points.every((c, i) => isPrintableAscii(c) || (obeysContextRule(points, i) ?? isValid(c, cls)));
}

function isPrintableAscii(c: string): boolean {
  return c >= '!' && c <= '~';
}

/** RFC 8264 §8, for characters beyond ASCII that no context rule concerns. */
function isValid(c: string, cls: PrecisClass): boolean {
  if (EXCEPTION_VALID.test(c)) return true;
  if (EXCEPTION_DISALLOWED.test(c)) return false;
  if (OLD_HANGUL_JAMO.test(c) || IGNORABLE.test(c) || /^\p{Cc}$/u.test(c)) return false;
  const hasCompat = c.normalize('NFKC') !== c;
  if (cls === 'identifier') return !hasCompat && LETTER_DIGIT.test(c);
  return hasCompat || LETTER_DIGIT.test(c) || FREEFORM_ONLY.test(c);
}

/**
 * The context rules of RFC 5892 appendix A that look at the whole string: A.7 for the Katakana middle dot, A.8 and A.9 for the two kinds of
 * Arabic-Indic digits. Asked once, not for each such character: a long address is prepared in linear time.
 */
function obeysStringRules(text: string): boolean {
  if (text.includes('\u30fb') && !/[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u.test(text))
    return false;
  return !(/[\u0660-\u0669]/.test(text) && /[\u06f0-\u06f9]/.test(text));
}

/** The rules of RFC 5892 appendix A that look at neighbours (RFC 8264 §9.5, §9.6). Undefined for characters without one. */
function obeysContextRule(points: readonly string[], i: number): boolean | undefined {
  const before = points[i - 1] ?? '';
  const after = points[i + 1] ?? '';
  switch (points[i]) {
    case '\u200c': // ZERO WIDTH NON-JOINER
      return isVirama(before) || isBetweenJoined(points, i);
    case '\u200d': // ZERO WIDTH JOINER
      return isVirama(before);
    case '\u00b7': // MIDDLE DOT
      return before === 'l' && after === 'l';
    case '\u0375': // GREEK LOWER NUMERAL SIGN
      return /\p{Script=Greek}/u.test(after);
    case '\u05f3': // HEBREW PUNCTUATION GERESH
    case '\u05f4': // HEBREW PUNCTUATION GERSHAYIM
      return /\p{Script=Hebrew}/u.test(before);
    default:
      return undefined;
  }
}

/**
 * Whether the Canonical_Combining_Class of `c` is 9 (Virama), which JavaScript tells only through normalisation: it sorts neighbouring
 * marks by their class. `c` moves behind U+3099, whose class is 8, and stays before U+094D, whose class is 9.
 */
function isVirama(c: string): boolean {
  if (c === '' || c === '\u3099') return false;
  const isAbove8 = `${c}\u3099`.normalize('NFD') === `\u3099${c}`;
  return isAbove8 && `${c}\u094d`.normalize('NFD') === `${c}\u094d`;
}

// Joining_Type, from DerivedJoiningType.txt of Unicode 17, for the scripts in use today: letters that join on their left side, whether
// on the other one too (D) or not (L), and letters that join on their right side only (R).
const JOINS_LEFT =
  /^[\u0620\u0626\u0628\u062a-\u062e\u0633-\u063f\u0641-\u0647\u0649\u064a\u066e\u066f\u0678-\u0687\u069a-\u06bf\u06c1\u06c2\u06cc\u06ce\u06d0\u06d1\u06fa-\u06fc\u06ff\u0712-\u0714\u071a-\u071d\u071f-\u0727\u0729\u072b\u072d\u072e\u074e-\u0758\u075c-\u076a\u076d-\u0770\u0772\u0775-\u0777\u077a-\u077f\u07ca-\u07ea\u0841-\u0845\u0848\u084a-\u0853\u0855\u0860\u0862-\u0865\u0868\u0886\u0889-\u088d\u088f\u08a0-\u08a9\u08af\u08b0\u08b3-\u08b8\u08ba-\u08c8\u1807\u1820-\u1878\u1887-\u18a8\u18aa\ua840-\ua872\u{10d00}-\u{10d21}\u{10d23}\u{1e900}-\u{1e943}]$/u;
const JOINS_RIGHT_ONLY =
  /^[\u0622-\u0625\u0627\u0629\u062f-\u0632\u0648\u0671-\u0673\u0675-\u0677\u0688-\u0699\u06c0\u06c3-\u06cb\u06cd\u06cf\u06d2\u06d3\u06d5\u06ee\u06ef\u0710\u0715-\u0719\u071e\u0728\u072a\u072c\u072f\u074d\u0759-\u075b\u076b\u076c\u0771\u0773\u0774\u0778\u0779\u0840\u0846\u0847\u0849\u0854\u0856-\u0858\u0867\u0869\u086a\u0870-\u0882\u088e\u08aa-\u08ac\u08ae\u08b1\u08b2\u08b9\u{10d22}]$/u;
const JOINS_LEFT_ONLY = /^[\ua872\u{10d00}]$/u;
const TRANSPARENT = /^[\p{Mn}\p{Me}]$/u;

/** Whether the character at `i` stands between two that would join without it (RFC 5892 A.1, its second case). */
function isBetweenJoined(points: readonly string[], i: number): boolean {
  let before = i - 1;
  while (before >= 0 && TRANSPARENT.test(points[before]!)) before--;
  let after = i + 1;
  while (after < points.length && TRANSPARENT.test(points[after]!)) after++;
  return JOINS_LEFT.test(points[before] ?? '') && joinsRight(points[after] ?? '');
}

function joinsRight(c: string): boolean {
  return JOINS_RIGHT_ONLY.test(c) || (JOINS_LEFT.test(c) && !JOINS_LEFT_ONLY.test(c));
}
