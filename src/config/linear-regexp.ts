/**
 * Regular expressions of the operator, on addresses that anybody may choose (threat T55). JavaScript's engine goes back and
 * tries again, which on the wrong pair of pattern and text takes hours; this one follows all alternatives at a time (Thompson's
 * construction), so its work is bounded by the length of the text times the size of the pattern. It only answers whether the
 * text has a match. A program is plain data and crosses to other threads.
 */
export type Program = readonly Instruction[];

type Instruction =
  | { readonly kind: 'character'; readonly character: string; readonly next: number }
  | { readonly kind: 'set'; readonly set: RegExp; readonly next: number }
  | { readonly kind: 'assertion'; readonly assertion: Assertion; readonly next: number }
  | { readonly kind: 'choice'; readonly next: readonly number[] }
  | { readonly kind: 'match' };

type Assertion = '^' | '$' | '\\b' | '\\B';

type Node =
  | { readonly kind: 'character'; readonly character: string }
  | { readonly kind: 'set'; readonly set: RegExp }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  | { readonly kind: 'sequence'; readonly nodes: readonly Node[] }
  | { readonly kind: 'choice'; readonly nodes: readonly Node[] }
  | { readonly kind: 'repeat'; readonly node: Node; readonly min: number; readonly max: number };

export const PATTERN_LENGTH_MAX = 256;
export const INSTRUCTIONS_MAX = 512;
const START = 0;

/** Compiles a pattern (JavaScript's notation with the `u` flag), or says why it cannot be used. */
export function compileRegexp(pattern: string): Program | string {
  if (pattern.length > PATTERN_LENGTH_MAX)
    return `regular expression is longer than ${PATTERN_LENGTH_MAX} characters`;
  try {
    const strict = withoutNeedlessEscapes(pattern);
    new RegExp(strict, 'u'); // throws if it is not valid
    return new Compiler().compile(new Parser(strict).parse());
  } catch (error) {
    if (error instanceof Unsupported) return `regular expression ${error.message}`;
    const { message } = error as Error;
    return `not a regular expression: ${message.slice(message.lastIndexOf(': ') + 2).toLowerCase()}`;
  }
}

/** PCRE, for which MongooseIM's files are written, takes a backslash before any sign: `\-`, `\@`. JavaScript is strict. */
function withoutNeedlessEscapes(pattern: string): string {
  return pattern.replace(/\\(.)/gs, (escaped, character: string) =>
    NEEDLESSLY_ESCAPED.includes(character) ? `\\x${character.charCodeAt(0).toString(16)}` : escaped,
  );
}

const NEEDLESSLY_ESCAPED = '-_@:;,!"#%&\'<=>`~ ';

/** Whether the pattern matches anywhere in the text. */
export function findsRegexp(program: Program, text: string): boolean {
  const characters = [...text];
  let states = new Set<number>();
  for (let at = 0; at <= characters.length; at++) {
    if (follow(program, START, characters, at, states)) return true;
    const reached = new Set<number>();
    for (const state of states) {
      const instruction = program[state]!;
      if (!consumes(instruction, characters[at])) continue;
      if (follow(program, instruction.next, characters, at + 1, reached)) return true;
    }
    states = reached;
  }
  return false;
}

type Consumer = Extract<Instruction, { kind: 'character' | 'set' }>;

function consumes(instruction: Instruction, character: string | undefined): instruction is Consumer {
  if (character === undefined) return false;
  if (instruction.kind === 'character') return instruction.character === character;
  return instruction.kind === 'set' && instruction.set.test(character);
}

/** Adds the state and all that can be reached from it without a character; true when the match is among them. */
function follow(
  program: Program,
  start: number,
  text: readonly string[],
  at: number,
  states: Set<number>,
): boolean {
  const pending = [start];
  for (let state = pending.pop(); state !== undefined; state = pending.pop()) {
    if (states.has(state)) continue;
    states.add(state);
    const instruction = program[state]!;
    if (instruction.kind === 'match') return true;
    if (instruction.kind === 'choice') pending.push(...instruction.next);
    else if (instruction.kind === 'assertion' && holds(instruction.assertion, text, at))
      pending.push(instruction.next);
  }
  return false;
}

function holds(assertion: Assertion, text: readonly string[], at: number): boolean {
  if (assertion === '^') return at === 0;
  if (assertion === '$') return at === text.length;
  const isBoundary = isWord(text[at - 1]) !== isWord(text[at]);
  return isBoundary === (assertion === '\\b');
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /^\w$/.test(character);
}

class Unsupported extends Error {}

const GROUP = /\((?:\?(?::|<(?![=!])[^>]*>))?/uy;
const QUANTIFIER = /(?:[*+?]|\{(?<min>\d+)(?<more>,?)(?<max>\d*)\})\??/uy;
const ASSERTION = /[\^$]|\\[bB]/uy;
const SET =
  /\[(?:\\.|[^\]\\])*\]|\\(?:u\{[0-9a-f]+\}|u[0-9a-f]{4}(?:\\u[0-9a-f]{4})?|x[0-9a-f]{2}|[pP]\{[^}]*\}|c[a-z]|.)|\./isuy;
const BACK_REFERENCE = /\\(?:[1-9]|k<)/uy;
const CHARACTER = /./suy;

/** Reads a pattern that JavaScript took for valid, so it need not look for mistakes. */
class Parser {
  readonly #pattern: string;
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  /** Alternatives up to the end or the closing parenthesis. */
  parse(): Node {
    const alternatives = [this.#sequence()];
    while (this.#peek() === '|') {
      this.#at++;
      alternatives.push(this.#sequence());
    }
    return alternatives.length === 1 ? alternatives[0]! : { kind: 'choice', nodes: alternatives };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek()) {
      nodes.push(this.#quantified(this.#atom()));
    }
    return { kind: 'sequence', nodes };
  }

  #atom(): Node {
    if (this.#peek() === '(') return this.#group();
    const assertion = this.#take(ASSERTION);
    if (assertion !== undefined) return { kind: 'assertion', assertion: assertion[0] as Assertion };
    if (this.#take(BACK_REFERENCE) !== undefined)
      throw new Unsupported('has a back reference, which is not supported');
    const set = this.#take(SET);
    if (set !== undefined) return { kind: 'set', set: new RegExp(`^${set[0]}$`, 'u') };
    return { kind: 'character', character: this.#take(CHARACTER)![0] };
  }

  #group(): Node {
    this.#take(GROUP);
    if (this.#peek() === '?')
      throw new Unsupported('looks ahead or behind or changes flags, which is not supported');
    const node = this.parse();
    this.#at++;
    return node;
  }

  #quantified(node: Node): Node {
    const quantifier = this.#take(QUANTIFIER);
    if (quantifier === undefined) return node;
    const [text] = quantifier;
    if (text.startsWith('*')) return { kind: 'repeat', node, min: 0, max: Number.POSITIVE_INFINITY };
    if (text.startsWith('+')) return { kind: 'repeat', node, min: 1, max: Number.POSITIVE_INFINITY };
    if (text.startsWith('?')) return { kind: 'repeat', node, min: 0, max: 1 };
    const { min, more, max } = quantifier.groups!;
    const least = Number(min);
    const most = max === '' ? Number.POSITIVE_INFINITY : Number(max);
    return { kind: 'repeat', node, min: least, max: more === '' ? least : most };
  }

  #peek(): string | undefined {
    return this.#pattern[this.#at];
  }

  #take(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.#at;
    const match = expression.exec(this.#pattern);
    if (match === null) return undefined;
    this.#at = expression.lastIndex;
    return match;
  }
}

/** Writes the program from its end to its beginning: each part is given the instruction that follows it. */
class Compiler {
  readonly #program: Instruction[] = [];

  compile(node: Node): Program {
    this.#emit({ kind: 'choice', next: [] }); // START, known before what it leads to
    const match = this.#emit({ kind: 'match' });
    this.#program[START] = { kind: 'choice', next: [this.#node(node, match)] };
    return this.#program;
  }

  #node(node: Node, next: number): number {
    switch (node.kind) {
      case 'sequence':
        return node.nodes.reduceRight((following, part) => this.#node(part, following), next);
      case 'choice':
        return this.#emit({ kind: 'choice', next: node.nodes.map((one) => this.#node(one, next)) });
      case 'repeat':
        return this.#repeat(node.node, node.min, node.max, next);
      default:
        return this.#emit({ ...node, next });
    }
  }

  #repeat(node: Node, min: number, max: number, next: number): number {
    let entry = next;
    if (max === Number.POSITIVE_INFINITY) {
      entry = this.#emit({ kind: 'choice', next: [] });
      this.#program[entry] = { kind: 'choice', next: [this.#node(node, entry), next] };
    } else {
      for (let i = min; i < max; i++)
        entry = this.#emit({ kind: 'choice', next: [this.#node(node, entry), next] });
    }
    for (let i = 0; i < min; i++) entry = this.#node(node, entry);
    return entry;
  }

  #emit(instruction: Instruction): number {
    if (this.#program.length === INSTRUCTIONS_MAX)
      throw new Unsupported('is too large, its repetitions written out');
    return this.#program.push(instruction) - 1;
  }
}
