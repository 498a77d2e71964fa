import type { KeyCodec } from '../modules/module.ts';

/**
 * The permanent keys that may travel: a module registers each of its own. One that nobody registered stays behind and is counted; in test
 * builds it is an error.
 */
export class PermanentKeys {
  readonly #codecs = new Map<string, KeyCodec>();
  readonly #unknown: (name: string) => void;

  constructor(unknown: (name: string) => void) {
    this.#unknown = unknown;
  }

  register(namespace: string, key: string, codec: KeyCodec): void {
    this.#codecs.set(`${namespace}/${key}`, codec);
  }

  unregister(namespace: string, key: string): void {
    this.#codecs.delete(`${namespace}/${key}`);
  }

  encode(keys: ReadonlyMap<string, unknown> | undefined): (readonly [string, unknown])[] | undefined {
    if (keys === undefined || keys.size === 0) return undefined;
    const encoded: [string, unknown][] = [];
    for (const [name, value] of keys) {
      const codec = this.#codecs.get(name);
      if (codec === undefined) this.#unknown(name);
      else encoded.push([name, codec.encode(value)]);
    }
    return encoded.length === 0 ? undefined : encoded;
  }

  decode(keys: readonly (readonly [string, unknown])[] | undefined): Map<string, unknown> | undefined {
    if (keys === undefined || keys.length === 0) return undefined;
    const decoded = new Map<string, unknown>();
    for (const [name, data] of keys) {
      const codec = this.#codecs.get(name);
      if (codec === undefined) this.#unknown(name);
      else decoded.set(name, codec.decode(data));
    }
    return decoded;
  }
}
