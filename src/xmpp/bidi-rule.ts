/**
 * The Bidi Rule (RFC 5893 §2) for one string of letters, digits, marks and ASCII: what a username or a domain label may hold.
 *
 * JavaScript does not tell a character's Bidi_Class. For such characters it follows from script and general category; the
 * derivation was compared with DerivedBidiClass.txt of Unicode 17.
 */

// Scripts written from right to left.
const RIGHT_TO_LEFT_SCRIPT = new RegExp(
  `[${[
    'Adlam',
    'Arabic',
    'Avestan',
    'Chorasmian',
    'Cypriot',
    'Elymaic',
    'Garay',
    'Hanifi_Rohingya',
    'Hatran',
    'Hebrew',
    'Imperial_Aramaic',
    'Inscriptional_Pahlavi',
    'Inscriptional_Parthian',
    'Kharoshthi',
    'Lydian',
    'Mandaic',
    'Manichaean',
    'Mende_Kikakui',
    'Meroitic_Cursive',
    'Meroitic_Hieroglyphs',
    'Nabataean',
    'Nko',
    'Old_Hungarian',
    'Old_North_Arabian',
    'Old_Sogdian',
    'Old_South_Arabian',
    'Old_Turkic',
    'Old_Uyghur',
    'Palmyrene',
    'Phoenician',
    'Psalter_Pahlavi',
    'Samaritan',
    'Sidetic',
    'Sogdian',
    'Syriac',
    'Thaana',
    'Yezidi',
  ]
    .map((script) => `\\p{Script=${script}}`)
    .join('')}]`,
  'u',
);
/** Arabic-Indic, Hanifi Rohingya and Garay digits. */
const ARABIC_NUMBER = /[\u0660-\u0669\u{10d30}-\u{10d39}\u{10d40}-\u{10d49}]/u;
/** ASCII digits and the eastern Arabic-Indic ones. */
const EUROPEAN_NUMBER = /[0-9\u06f0-\u06f9]/;
/** What has no direction of its own. */
const NEUTRAL =
  /[!-/:-@[-`{-~\u00b7\u02b9\u02ba\u02c6-\u02cf\u02ec\u0375\u200c-\u200d\u2e2f\u30fb\ua67f\ua717-\ua71f\ua788]/;
const MARK = /[\p{Mn}\p{Me}]/u;
/** Marks that count as letters of their left-to-right scripts. */
const LEFT_MARK = /[\u0cbf\u0cc6\u1b3a\u1b3c\u1b42\u{11a07}\u{11a08}\u{11c3f}]/u;

const Bidi = { LEFT: 0, RIGHT: 1, ARABIC_NUMBER: 2, EUROPEAN_NUMBER: 3, NEUTRAL: 4, MARK: 5 } as const;

function bidiClass(c: string): number {
  if (ARABIC_NUMBER.test(c)) return Bidi.ARABIC_NUMBER;
  if (EUROPEAN_NUMBER.test(c)) return Bidi.EUROPEAN_NUMBER;
  if (NEUTRAL.test(c)) return Bidi.NEUTRAL;
  if (MARK.test(c)) return LEFT_MARK.test(c) ? Bidi.LEFT : Bidi.MARK;
  return RIGHT_TO_LEFT_SCRIPT.test(c) ? Bidi.RIGHT : Bidi.LEFT;
}

/** Whether `text` obeys the rule. A string without right-to-left characters always does (RFC 8265 §3.3.2 asks for no more). */
export function obeysBidiRule(text: string): boolean {
  if (!RIGHT_TO_LEFT_SCRIPT.test(text) && !ARABIC_NUMBER.test(text)) return true;
  const classes = Array.from(text, bidiClass);
  const has = (wanted: number) => classes.includes(wanted);
  // Marks of those scripts alone have no direction.
  if (!has(Bidi.RIGHT) && !has(Bidi.ARABIC_NUMBER)) return true;
  // Conditions 1 and 2: it starts with a right-to-left letter, and no left-to-right letter is in it.
  if (classes[0] !== Bidi.RIGHT || has(Bidi.LEFT)) return false;
  // Condition 3: it ends in such a letter or in a digit, marks aside.
  const last = classes.findLast((cls) => cls !== Bidi.MARK);
  if (last === Bidi.NEUTRAL) return false;
  // Condition 4: digits of one kind only.
  return !(has(Bidi.EUROPEAN_NUMBER) && has(Bidi.ARABIC_NUMBER));
}
