import sax from 'sax';
import { XML_NS } from '../xml/stream-context.ts';
import { ATTRIBUTES_MAX, FILE_DEPTH_MAX, NAME_CHARS_MAX } from './limits.ts';
import { NameScope } from './name-scope.ts';
import { FileProblem, type Place } from './problem.ts';

/** What a document is made of. Attribute names are those of {@link import('../xml/element.ts').Element}. */
export interface DocumentEvents {
  open(name: string, ns: string, attributes: Map<string, string>): void;
  /** Character data; one text may come in several pieces. */
  text(text: string): void;
  close(): void;
}

/** Any non-empty value would do: sax looks names up there, and must not find what all objects have. */
const ENTITIES: Record<string, string> = Object.assign(Object.create(null), {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
});

/** In place of the object in which sax gathers attributes: there a repeated one, or one called `__proto__`, would be lost without a word. */
const NO_ATTRIBUTES = Object.freeze({ hasOwnProperty: () => false }) as unknown as Record<string, string>;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that XML 1.0 does not have
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/**
 * Reads a document that comes in pieces. Strict: no document type (so no entities but the five of XML), nothing that is not well-formed. Comments and processing
 * instructions are passed over. Sax lets some things pass that are not XML (`<` in an attribute, for instance); what is taken from a file is therefore written
 * anew and read once more by the parser that clients' stanzas go through.
 *
 * Line ends become `\n`, except in character references. In attribute values, line ends and tabs stay what they are.
 */
export class SaxReader {
  readonly #file: string;
  readonly #events: DocumentEvents;
  readonly #parser: sax.SAXParser;
  readonly #scope = new NameScope();
  #depth = 0;
  #attributes: [name: string, value: string][] = [];
  #endedInReturn = false;
  #hasRoot = false;

  constructor(file: string, events: DocumentEvents) {
    this.#file = file;
    this.#events = events;
    const options = { xmlns: false, position: true, strictEntities: true } as sax.SAXOptions;
    const parser = sax.parser(true, options);
    parser.ENTITIES = ENTITIES;
    parser.onerror = (cause) => this.#fail(cause.message.split('\n')[0]!);
    parser.ondoctype = () => this.#fail('a document type is not allowed');
    parser.onsgmldeclaration = () => this.#fail('a declaration is not allowed');
    parser.onprocessinginstruction = ({ name, body }) => this.#declaration(name, body);
    parser.onopentagstart = (tag) => {
      tag.attributes = NO_ATTRIBUTES as never;
      this.#attributes = [];
    };
    parser.onattribute = ({ name, value }) => {
      this.#checkText(value);
      if (this.#attributes.length >= ATTRIBUTES_MAX) this.#fail(`more than ${ATTRIBUTES_MAX} attributes`);
      this.#attributes.push([name, value]);
    };
    parser.onopentag = ({ name }) => this.#open(name);
    parser.onclosetag = () => this.#close();
    parser.ontext = (text) => this.#text(text);
    parser.oncdata = (text) => this.#text(text);
    this.#parser = parser;
  }

  /** Where it is now. */
  get place(): Place {
    return { file: this.#file, line: this.#parser.line + 1 };
  }

  /** Reads on. Throws {@link FileProblem}. */
  write(text: string): void {
    // A pair of carriage return and line feed may be cut.
    const whole = this.#endedInReturn && text.startsWith('\n') ? text.slice(1) : text;
    if (text !== '') this.#endedInReturn = text.endsWith('\r');
    if (whole !== '') this.#parser.write(whole.includes('\r') ? whole.replace(/\r\n?/g, '\n') : whole);
  }

  /** The file is at its end: so must the document be. */
  end(): void {
    // Of unclosed elements sax speaks itself, of a file without any it does not.
    if (!this.#hasRoot) this.#fail('there is no element in it');
    this.#parser.close();
  }

  #declaration(name: string, body: string): void {
    if (name !== 'xml') return;
    const encoding = /encoding\s*=\s*["']([^"']*)["']/.exec(body)?.[1]?.toLowerCase();
    if (encoding !== undefined && encoding !== 'utf-8' && encoding !== 'us-ascii')
      this.#fail(`the encoding ${encoding} is not understood, only UTF-8 is`);
  }

  #open(name: string): void {
    // Sax would go on.
    if (this.#depth === 0 && this.#hasRoot) this.#fail('there is a second element behind the first');
    this.#hasRoot = true;
    if (++this.#depth > FILE_DEPTH_MAX) this.#fail(`more than ${FILE_DEPTH_MAX} elements in each other`);
    for (const [attribute, value] of this.#attributes) {
      if (attribute !== 'xmlns' && !attribute.startsWith('xmlns:')) continue;
      const problem = this.#scope.declare(attribute.slice(6), value, this.#depth);
      if (problem !== undefined) this.#fail(problem);
    }
    const [local, ns] = this.#expanded(name, true);
    const attributes = new Map<string, string>();
    for (const [attribute, value] of this.#attributes) {
      if (attribute === 'xmlns' || attribute.startsWith('xmlns:')) continue;
      const [own, uri] = this.#expanded(attribute, false);
      const key = uri === '' ? own : uri === XML_NS ? `xml:${own}` : `{${uri}}${own}`;
      if (attributes.has(key)) this.#fail(`the attribute ${attribute} is there twice`);
      attributes.set(key, value);
    }
    this.#events.open(local, ns, attributes);
  }

  #close(): void {
    this.#events.close();
    this.#scope.leave(this.#depth--);
  }

  #text(text: string): void {
    this.#checkText(text);
    // Outside of the root sax has looked already.
    if (this.#depth > 0) this.#events.text(text);
  }

  #expanded(name: string, isElement: boolean): [local: string, ns: string] {
    if (name.length > NAME_CHARS_MAX) this.#fail('a name is too long');
    const colon = name.indexOf(':');
    if (colon < 0) return [name, isElement ? this.#scope.resolve('')! : ''];
    const prefix = name.slice(0, colon);
    const local = name.slice(colon + 1);
    const uri = this.#scope.resolve(prefix);
    if (prefix === '' || local === '' || local.includes(':')) this.#fail(`${name} is no name`);
    if (uri === undefined || uri === '') return this.#fail(`the prefix ${prefix} is not declared`);
    return [local, uri];
  }

  #checkText(text: string): void {
    if (NOT_XML.test(text)) this.#fail('a character that XML does not have');
  }

  #fail(text: string): never {
    throw new FileProblem(this.place, text);
  }
}
