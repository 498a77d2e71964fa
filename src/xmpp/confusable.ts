/** Scripts whose letters are taken for one another: a Cyrillic `а` in `admin` cannot be seen (threat T52). */
const CONFUSED_SCRIPTS = [
  /\p{Script=Latin}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Armenian}/u,
  /\p{Script=Cherokee}/u,
  /\p{Script=Coptic}/u,
  /\p{Script=Lisu}/u,
];

/**
 * Whether letters of scripts that are commonly confused are mixed in a localpart. Other mixtures are ordinary: Japanese writes four
 * scripts in one word.
 */
export function isMixedScript(localpart: string): boolean {
  return CONFUSED_SCRIPTS.filter((script) => script.test(localpart)).length > 1;
}
