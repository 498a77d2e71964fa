import { XML_NS, XMLNS_NS } from '../xml/stream-context.ts';
import { NAMESPACES_MAX } from './limits.ts';

interface Declared {
  readonly prefix: string;
  readonly uri: string;
  readonly depth: number;
}

/** Namespaces in force at one place of a document (Namespaces in XML 1.0). Prefixes come from the file, so they are no keys of objects. */
export class NameScope {
  readonly #declared: Declared[] = [];

  /** Puts a declaration of the element at `depth` into force. Returns what is wrong with it. */
  declare(prefix: string, uri: string, depth: number): string | undefined {
    if (prefix === 'xmlns' || uri === XMLNS_NS) return 'the prefix xmlns cannot be declared';
    if ((prefix === 'xml') !== (uri === XML_NS)) return 'the prefix xml stands for one namespace only';
    if (prefix !== '' && uri === '') return `the prefix ${prefix} cannot be taken back`;
    if (this.#declared.some((one) => one.depth === depth && one.prefix === prefix))
      return `the prefix ${prefix} is declared twice`;
    if (this.#declared.length >= NAMESPACES_MAX) return `more than ${NAMESPACES_MAX} namespaces at a time`;
    this.#declared.push({ prefix, uri, depth });
    return undefined;
  }

  /** The element at `depth` has ended. */
  leave(depth: number): void {
    while (this.#declared.length > 0 && this.#declared.at(-1)!.depth >= depth) this.#declared.pop();
  }

  /** What a prefix stands for; the empty one for the default namespace. Undefined when it is not declared. */
  resolve(prefix: string): string | undefined {
    for (let i = this.#declared.length - 1; i >= 0; i--) {
      if (this.#declared[i]!.prefix === prefix) return this.#declared[i]!.uri;
    }
    if (prefix === '') return '';
    return prefix === 'xml' ? XML_NS : undefined;
  }
}
