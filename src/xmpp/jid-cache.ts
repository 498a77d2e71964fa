import { GenerationCache } from '../util/generation-cache.ts';
import { Jid, parseJid } from './jid.ts';

/** Addresses longer than this are not remembered: nobody's stays in memory because it was sent once. */
const CACHED_LENGTH_MAX = 256;

/** Remembers prepared addresses, so that preparing one costs a look-up. One per shard. */
export class JidCache {
  readonly #parsed: GenerationCache<string, Jid>;
  readonly #trusted: GenerationCache<string, Jid>;

  constructor(entriesMax: number) {
    this.#parsed = new GenerationCache(entriesMax);
    this.#trusted = new GenerationCache(entriesMax);
  }

  /** Parses and prepares an address from outside. Undefined when it is none. */
  parse(text: string): Jid | undefined {
    const known = this.#parsed.get(text);
    if (known !== undefined) return known;
    const parsed = parseJid(text);
    if (parsed === undefined) return undefined;
    // One object for each address: `ALICE@x` and `alice@x` share what is remembered about it.
    const jid = this.#trusted.get(parsed.full) ?? parsed;
    if (text.length <= CACHED_LENGTH_MAX) {
      this.#trusted.set(jid.full, jid);
      this.#parsed.set(text, jid);
    }
    return jid;
  }

  /** The address of a string that is the `full` of a prepared one (from a frame or from storage). */
  trusted(full: string): Jid {
    const known = this.#trusted.get(full);
    if (known !== undefined) return known;
    const jid = split(full);
    if (full.length <= CACHED_LENGTH_MAX) this.#trusted.set(full, jid);
    return jid;
  }

  /** Remembers a prepared address. Returns the object that stands for it from now on. */
  intern(jid: Jid): Jid {
    const known = this.#trusted.get(jid.full);
    if (known !== undefined) return known;
    if (jid.full.length <= CACHED_LENGTH_MAX) this.#trusted.set(jid.full, jid);
    return jid;
  }
}

function split(full: string): Jid {
  const slash = full.indexOf('/');
  const address = slash < 0 ? full : full.slice(0, slash);
  const at = address.indexOf('@');
  const local = at < 0 ? '' : address.slice(0, at);
  return new Jid(local, at < 0 ? address : address.slice(at + 1), slash < 0 ? '' : full.slice(slash + 1));
}
