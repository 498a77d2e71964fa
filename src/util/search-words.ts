/** Characters that are part of no word: punctuation, space, what cannot be seen, and the symbols of ASCII. */
const SEPARATORS = /[\p{P}\p{Z}\p{C}$+<=>^`|~]+/u;
/** Of a text, so many characters are looked at; of a word, so many count. */
const TEXT_MAX = 65_536;
const WORD_MAX = 64;

/**
 * The different words of a text, at most `max`, as they are searched for: lower case, without punctuation, in one form of Unicode. What follows an unbroken run of
 * letters is a new word only after a separator, so scripts without spaces are found by whole phrases.
 */
export function searchWords(text: string, max: number): string[] {
  const words = new Set<string>();
  const folded = text.slice(0, TEXT_MAX).toWellFormed().normalize('NFKC').toLowerCase();
  for (const word of folded.split(SEPARATORS)) {
    if (word === '') continue;
    if (words.size === max) break;
    words.add(word.length <= WORD_MAX ? word : word.slice(0, WORD_MAX).toWellFormed());
  }
  return [...words];
}
