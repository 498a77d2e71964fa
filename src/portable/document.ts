import { NS_CLIENT, NS_PIE, NS_PRIVACY } from '../xmpp/namespaces.ts';
import { EntryBuilder } from './entry-builder.ts';
import { describePart, isContainer, NS_PIE_OLD, NS_XINCLUDE, type PartName } from './format.ts';
import type { Item, Level, LossCode } from './items.ts';
import { FileProblem, type Place } from './problem.ts';
import type { DocumentEvents } from './sax-reader.ts';

/** Where in a document we are: inside of what. */
type Inside = Level | 'container' | 'entry' | 'skipped';

/** Attributes that are understood, of the elements around the data. */
const KNOWN_ATTRIBUTES: ReadonlyMap<string, readonly string[]> = new Map([
  ['server-data', []],
  ['host', ['jid']],
  ['user', ['name', 'password']],
]);

/**
 * Makes items of one document. What it does not understand it passes over and reports. The items of a piece of the document are there when the piece has been
 * read; whoever takes them away bounds what is kept.
 */
export class PortableDocument implements DocumentEvents {
  readonly #place: () => Place;
  readonly #path: Inside[];
  #items: Item[] = [];
  #part: PartName | undefined;
  #entry: EntryBuilder | undefined;
  #entryPlace: Place | undefined;
  /** An entry that comes last in its container. */
  #deferred: Item | undefined;
  /** Elements that are open inside of one that is passed over. */
  #skipped = 0;

  /** `level`: whose child the root is to be. */
  constructor(level: Level, place: () => Place) {
    this.#path = [level];
    this.#place = place;
  }

  /** What has been read since the last call. */
  take(): readonly Item[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }

  open(name: string, ns: string, attributes: Map<string, string>): void {
    switch (this.#path.at(-1)!) {
      case 'skipped':
        this.#skipped++;
        break;
      case 'entry':
        this.#entry!.open(name, ns, attributes);
        break;
      case 'container':
        this.#startEntry(this.#part!, name, ns, attributes);
        break;
      case 'user':
        this.#openPart(name, ns, attributes);
        break;
      default:
        this.#openFrame(name, ns, attributes);
    }
  }

  text(text: string): void {
    const inside = this.#path.at(-1)!;
    if (inside === 'entry') this.#entry!.text(text);
    else if (inside !== 'skipped' && text.trim() !== '') this.#lose('text', `text in ${inside}`);
  }

  close(): void {
    const inside = this.#path.at(-1)!;
    if (inside === 'skipped') {
      if (--this.#skipped === 0) this.#path.pop();
    } else if (inside === 'entry') this.#closeEntry();
    else {
      this.#path.pop();
      if (inside === 'container' && this.#deferred !== undefined) {
        this.#items.push(this.#deferred);
        this.#deferred = undefined;
      }
      if (inside === 'user') this.#items.push({ kind: 'user_end' });
      else if (inside === 'host') this.#items.push({ kind: 'host_end' });
    }
  }

  /** `<server-data/>`, `<host/>`, `<user/>`, or another file in place of one of them. */
  #openFrame(name: string, namespace: string, attributes: Map<string, string>): void {
    const level = this.#path.at(-1) as Level;
    const ns = namespace === NS_PIE_OLD ? NS_PIE : namespace;
    const place = this.#place();
    const wanted = level === 'file' ? 'server-data' : level === 'server-data' ? 'host' : 'user';
    if (ns === NS_PIE && name === wanted) {
      this.#checkAttributes(wanted, attributes);
      this.#path.push(wanted);
      if (wanted === 'host') this.#items.push({ kind: 'host', jid: attributes.get('jid') ?? '', place });
      else if (wanted === 'user') {
        const password = attributes.get('password');
        this.#items.push({ kind: 'user', name: attributes.get('name') ?? '', password, place });
      }
    } else if (level === 'file') {
      // Nothing else in it can be meant.
      throw new FileProblem(
        place,
        `this is no file of XEP-0227: it begins with ${describePart({ name, ns })}`,
      );
    } else if (ns === NS_XINCLUDE && name === 'include') this.#include(attributes, level);
    else this.#skip('unknown', describePart({ name, ns }));
  }

  /** A child of `<user/>`. Another file may come in its place, but nowhere deeper: there it is data like any other. */
  #openPart(name: string, namespace: string, attributes: Map<string, string>): void {
    const ns = namespace === NS_PIE_OLD ? NS_PIE : namespace;
    const part = { name, ns };
    if (ns === NS_XINCLUDE && name === 'include') this.#include(attributes, 'user');
    else if (isContainer(name, ns)) {
      this.#part = part;
      this.#path.push('container');
    } else this.#startEntry(undefined, name, ns, attributes);
  }

  #startEntry(
    container: PartName | undefined,
    name: string,
    namespace: string,
    attributes: Map<string, string>,
  ): void {
    const ns = namespace === NS_PIE_OLD ? NS_PIE : namespace;
    const isStanza = ns === NS_PIE && (name === 'message' || name === 'presence');
    this.#entry = new EntryBuilder(isStanza);
    this.#entryPlace = this.#place();
    if (container === undefined) this.#part = { name, ns: isStanza ? NS_CLIENT : ns };
    this.#entry.open(name, ns, attributes);
    this.#path.push('entry');
  }

  #closeEntry(): void {
    const entry = this.#entry!;
    if (!entry.close()) return;
    this.#path.pop();
    const part = this.#part!;
    const place = this.#entryPlace!;
    if (entry.problem === undefined) {
      const { element } = entry;
      const item = { kind: 'entry', part, element, place } as const;
      // It names a list, which comes behind it in the examples of the XEP: nobody should have to know it before.
      if (part.ns === NS_PRIVACY && element.name === 'default') this.#deferred = item;
      else this.#items.push(item);
    } else {
      const loss = { code: 'too_large', what: describePart(part), text: entry.problem, place } as const;
      this.#items.push({ kind: 'loss', loss });
    }
  }

  #include(attributes: Map<string, string>, level: Level): void {
    const href = attributes.get('href');
    const parse = attributes.get('parse') ?? 'xml';
    if (href === undefined || parse !== 'xml' || attributes.has('xpointer')) {
      this.#skip('include', 'an include other than of a whole file of XML');
      return;
    }
    this.#items.push({ kind: 'include', href, level, place: this.#place() });
    // What stands in it (a fallback) is not for those who can include.
    this.#path.push('skipped');
    this.#skipped = 1;
  }

  #checkAttributes(element: string, attributes: Map<string, string>): void {
    const known = KNOWN_ATTRIBUTES.get(element)!;
    for (const name of attributes.keys()) {
      if (!known.includes(name) && !name.startsWith('xml:')) this.#lose('attribute', `${name} of ${element}`);
    }
  }

  #skip(code: LossCode, what: string): void {
    this.#lose(code, what);
    this.#path.push('skipped');
    this.#skipped = 1;
  }

  #lose(code: LossCode, what: string): void {
    this.#items.push({ kind: 'loss', loss: { code, what, place: this.#place() } });
  }
}
