/**
 * Regular expressions of the operator. JavaScript's engine tries one alternative after the other, so a careless pattern can
 * take ages on an address that an attacker chose (threats.md T55). The parts of an address have at most 1023 bytes; these
 * limits keep the work near their third power at worst.
 */
export const REGEXP_LENGTH_MAX = 256;
const REPETITIONS_MAX = 3;
const WAYS_MAX = 256;

/** Compiles a pattern, or says why it cannot be taken. */
export function compileRegexp(pattern: string): RegExp | string {
  if (pattern.length > REGEXP_LENGTH_MAX)
    return `regular expression is longer than ${REGEXP_LENGTH_MAX} characters`;
  try {
    const regexp = new RegExp(pattern, 'u');
    const danger = dangerOf(pattern);
    return danger === undefined ? regexp : `regular expression may take too long: it has ${danger}`;
  } catch (error) {
    const { message } = error as Error;
    return `not a regular expression: ${message.slice(message.lastIndexOf(': ') + 2).toLowerCase()}`;
  }
}

const TOKEN =
  /\\(?<reference>[1-9]|k<)|\\.|\[(?:\\.|[^\]\\])*\]|(?<open>\((?:\?(?:[a-z-]*:|<?[=!]|<[^>]*>))?)|(?<close>\))|(?<or>\|)|(?<quantifier>[*+?]|\{\d+(?:,\d*)?\})\??|./gsu;

interface Group {
  alternatives: number;
  /** Whether the group can match the same text in more than one way. */
  isVariable: boolean;
}

/** What makes a valid pattern slow; undefined when nothing does. */
function dangerOf(pattern: string): string | undefined {
  let repetitions = 0;
  let ways = 1;
  let closed: Group | undefined;
  const open: Group[] = [{ alternatives: 1, isVariable: false }];
  for (const { groups } of pattern.matchAll(TOKEN)) {
    const group = open.at(-1)!;
    const previous = closed;
    closed = undefined;
    if (groups!['reference'] !== undefined) return 'a back reference';
    if (groups!['open'] !== undefined) open.push({ alternatives: 1, isVariable: false });
    else if (groups!['close'] !== undefined) {
      closed = open.pop()!;
      ways *= closed.alternatives;
      open.at(-1)!.isVariable ||= closed.isVariable;
    } else if (groups!['or'] !== undefined) {
      group.alternatives++;
      group.isVariable = true;
    } else if (groups!['quantifier'] !== undefined) {
      const { min, max } = boundsOf(groups!['quantifier']);
      if (max > 1 && previous?.isVariable) return 'a repeated group with a choice or a repetition in it';
      if (min === max) continue;
      group.isVariable = true;
      if (max > 1) repetitions++;
      else ways *= 2;
    }
  }
  if (repetitions > REPETITIONS_MAX) return `more than ${REPETITIONS_MAX} repetitions`;
  return ways > WAYS_MAX ? 'too many choices' : undefined;
}

function boundsOf(quantifier: string): { min: number; max: number } {
  if (quantifier === '?') return { min: 0, max: 1 };
  const bounds = /^\{(\d+)(,?)(\d*)\}$/.exec(quantifier);
  if (bounds === null) return { min: 0, max: Number.POSITIVE_INFINITY };
  const min = Number(bounds[1]);
  if (bounds[2] === '') return { min, max: min };
  return { min, max: bounds[3] === '' ? Number.POSITIVE_INFINITY : Number(bounds[3]) };
}
