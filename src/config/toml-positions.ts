import { parse } from 'smol-toml';
import { type Path, pathText } from './path.ts';

/** A place in the text; both count from 1, columns in UTF-16 units as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The place of every key and array element, by its path as `pathText` writes it. */
export type Positions = ReadonlyMap<string, Position>;

const START: Position = { line: 1, column: 1 };

/** The place of a path, or of its nearest parent that the text names (a missing key is reported at its table). */
export function positionAt(positions: Positions, path: Path): Position {
  for (let length = path.length; length > 0; length--) {
    const position = positions.get(pathText(path.slice(0, length)));
    if (position !== undefined) return position;
  }
  return START;
}

/** Notes where each key stands in a TOML text. The text must have passed the parser: this walker checks nothing. */
export function tomlPositions(text: string): Positions {
  return new PositionWalker(text).walk();
}

interface KeyPart {
  readonly name: string;
  readonly at: number;
}

const SPACE = /[ \t]*/y;
const BLANK = /(?:[ \t\r\n]|#[^\n]*)*/y;
const BARE_KEY = /[A-Za-z0-9_-]+/y;
const BASIC_STRING = /"(?:[^"\\]|\\.)*"/y;
const LITERAL_STRING = /'[^']*'/y;
// A multi-line string may end with up to two quotes of its own before the closing three.
const MULTILINE_BASIC_STRING = /"""(?:[^\\]|\\.)*?"""(?:"{0,2})/sy;
const MULTILINE_LITERAL_STRING = /'''.*?'''(?:'{0,2})/sy;
const SCALAR = /[^,\]}#\r\n]*/y;

class PositionWalker {
  readonly #text: string;
  readonly #lineStarts: number[] = [0];
  readonly #positions = new Map<string, Position>();
  /** How many elements each array of tables has so far. */
  readonly #elements = new Map<string, number>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) this.#lineStarts.push(i + 1);
  }

  walk(): Positions {
    if (this.#text.charCodeAt(0) === 0xfeff) this.#at++;
    let table: Path = [];
    for (this.#skip(BLANK); this.#at < this.#text.length; this.#skip(BLANK)) {
      const before = this.#at;
      if (this.#peek('[')) table = this.#header();
      else this.#pair(table);
      if (this.#at === before) break; // not TOML; the parser would have said so
    }
    return this.#positions;
  }

  /** `[a.b]` or `[[a.b]]`; returns the path that the following pairs belong to. */
  #header(): Path {
    const isArray = this.#text.startsWith('[[', this.#at);
    this.#at += isArray ? 2 : 1;
    const parts = this.#key();
    this.#at += isArray ? 2 : 1;
    let path: Path = [];
    for (const [i, part] of parts.entries()) {
      path = [...path, part.name];
      this.#note(path, part.at);
      const name = pathText(path);
      let count = this.#elements.get(name);
      if (isArray && i === parts.length - 1) {
        count = (count ?? 0) + 1;
        this.#elements.set(name, count);
      }
      if (count === undefined) continue;
      path = [...path, count - 1];
      this.#note(path, part.at);
    }
    return path;
  }

  /** `key = value`, where the key may be dotted. */
  #pair(table: Path): void {
    let path = table;
    for (const part of this.#key()) {
      path = [...path, part.name];
      this.#note(path, part.at);
    }
    if (this.#peek('=')) this.#at++;
    this.#skip(SPACE);
    this.#value(path);
  }

  #value(path: Path): void {
    if (this.#peek('[')) this.#array(path);
    else if (this.#peek('{')) this.#inlineTable(path);
    else if (!this.#string()) this.#take(SCALAR);
  }

  #array(path: Path): void {
    this.#at++;
    for (let index = 0; this.#more(']'); index++) {
      const element = [...path, index];
      this.#note(element, this.#at);
      this.#value(element);
      this.#comma();
    }
    this.#at++;
  }

  #inlineTable(path: Path): void {
    this.#at++;
    while (this.#more('}')) {
      this.#pair(path);
      this.#comma();
    }
    this.#at++;
  }

  /** Whether another element of an array or inline table follows. */
  #more(end: string): boolean {
    this.#skip(BLANK);
    return this.#at < this.#text.length && !this.#peek(end);
  }

  #comma(): void {
    this.#skip(BLANK);
    if (this.#peek(',')) this.#at++;
  }

  #key(): KeyPart[] {
    const parts: KeyPart[] = [];
    do {
      if (this.#peek('.')) this.#at++;
      this.#skip(SPACE);
      const at = this.#at;
      if (!this.#string()) this.#take(BARE_KEY);
      if (this.#at === at) break;
      parts.push({ name: keyName(this.#text.slice(at, this.#at)), at });
      this.#skip(SPACE);
    } while (this.#peek('.'));
    return parts;
  }

  #string(): boolean {
    return (
      this.#take(MULTILINE_BASIC_STRING) ||
      this.#take(MULTILINE_LITERAL_STRING) ||
      this.#take(BASIC_STRING) ||
      this.#take(LITERAL_STRING)
    );
  }

  #peek(character: string): boolean {
    return this.#text[this.#at] === character;
  }

  #skip(pattern: RegExp): void {
    this.#take(pattern);
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  /** The first mention counts: `[a]` is the place of `a`, wherever else it is extended. */
  #note(path: Path, at: number): void {
    const key = pathText(path);
    if (!this.#positions.has(key)) this.#positions.set(key, this.#position(at));
  }

  #position(at: number): Position {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#lineStarts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: at - this.#lineStarts[low]! + 1 };
  }
}

/** A key without its quotes. The parser resolves the escapes, so that both always agree on the name. */
function keyName(raw: string): string {
  if (raw[0] !== '"' && raw[0] !== "'") return raw;
  return Object.keys(parse(`${raw} = 0`))[0] ?? raw;
}
