import type { PortablePart } from '../modules/module.ts';

/** The kinds of data that modules take from files of XEP-0227 and write into them, by host type. */
export class PortableParts {
  readonly #parts = new Map<string, Map<string, PortablePart>>();

  /** Returns what takes it away again. */
  add(hostType: string, part: PortablePart): () => void {
    let own = this.#parts.get(hostType);
    if (own === undefined) {
      own = new Map();
      this.#parts.set(hostType, own);
    }
    const key = keyOf(part.name, part.ns);
    own.set(key, part);
    return () => {
      if (own.get(key) === part) own.delete(key);
    };
  }

  find(hostType: string, name: string, ns: string): PortablePart | undefined {
    return this.#parts.get(hostType)?.get(keyOf(name, ns));
  }

  /** All of a host type, always in the same order: whoever writes a file page by page counts on it. */
  all(hostType: string): PortablePart[] {
    const own = [...(this.#parts.get(hostType)?.entries() ?? [])];
    return own.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, part]) => part);
  }
}

function keyOf(name: string, ns: string): string {
  return `${ns} ${name}`;
}
