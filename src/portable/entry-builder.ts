import { Element } from '../xml/element.ts';
import { NS_CLIENT, NS_PIE } from '../xmpp/namespaces.ts';
import { ENTRY_CHARS_MAX, ENTRY_DEPTH_MAX, ENTRY_ELEMENTS_MAX } from './limits.ts';

/** Builds one entry as a tree. Of one that is too large nothing is kept, but it is read to its end. */
export class EntryBuilder {
  readonly #isStanza: boolean;
  readonly #open: Element[] = [];
  #root: Element | undefined;
  #depth = 0;
  #elements = 0;
  #chars = 0;
  #problem: string | undefined;

  /** `isStanza`: Prosody writes stanzas without their namespace; they have it nevertheless. */
  constructor(isStanza: boolean) {
    this.#isStanza = isStanza;
  }

  /** What is too large about it; undefined while nothing is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** The whole entry, once {@link close} has returned true and there is no {@link problem}. */
  get element(): Element {
    return this.#root!;
  }

  open(name: string, ns: string, attributes: Map<string, string>): void {
    this.#depth++;
    this.#elements++;
    this.#chars += 2 * name.length + ns.length + 16;
    for (const [key, value] of attributes) this.#chars += key.length + value.length + 4;
    if (this.#depth > ENTRY_DEPTH_MAX) this.#give(`more than ${ENTRY_DEPTH_MAX} elements in each other`);
    if (this.#elements > ENTRY_ELEMENTS_MAX) this.#give(`more than ${ENTRY_ELEMENTS_MAX} elements`);
    this.#checkSize();
    if (this.#problem !== undefined) return;
    const element = new Element(name, this.#isStanza && ns === NS_PIE ? NS_CLIENT : ns, attributes);
    this.#open.at(-1)?.children.push(element);
    this.#root ??= element;
    this.#open.push(element);
  }

  text(text: string): void {
    this.#chars += text.length;
    this.#checkSize();
    if (this.#problem !== undefined) return;
    const { children } = this.#open.at(-1)!;
    const last = children.length - 1;
    if (typeof children[last] === 'string') children[last] += text;
    else children.push(text);
  }

  /** True when that was the end of the entry. */
  close(): boolean {
    this.#open.pop();
    return --this.#depth === 0;
  }

  #checkSize(): void {
    if (this.#chars > ENTRY_CHARS_MAX) this.#give(`more than ${ENTRY_CHARS_MAX} characters`);
  }

  #give(problem: string): void {
    this.#problem ??= problem;
    this.#root = undefined;
    this.#open.length = 0;
  }
}
