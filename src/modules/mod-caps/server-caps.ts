import {
  type DiscoAcc,
  Element,
  type Jid,
  type ModuleContext,
  NS_CAPS,
  NS_CAPS2,
  NS_HASHES,
} from '../module.ts';
import { type CapsVersion, nodeV2 } from './announced.ts';
import { HASH_FEATURES, hashOf, isHashValue } from './hash.ts';
import { type CapsInfo, ownInfo } from './info.ts';
import { inputV1 } from './input-v1.ts';
import { inputV2 } from './input-v2.ts';
import type { CapsOptions } from './mod-caps.ts';

/** The name of this software as a URI (XEP-0115 §4). */
const PRODUCT_URI = 'urn:x-meerkat:server';

/** The functions that the server's own hashes are made with. */
const ALGORITHM_V1 = 'sha-1';
const ALGORITHM_V2 = 'sha-256';

/** Hashes that are remembered, by what they are made of: there are as many as domains that differ. */
const HASHES_MAX = 64;

type Maybe<T> = T | Promise<T>;

/** What this server says it can: by hashes in the features of streams, and in answers to who asks for such a hash. */
export class ServerCaps {
  readonly #context: ModuleContext<CapsOptions>;
  readonly #hashes = new Map<string, string>();

  constructor(context: ModuleContext<CapsOptions>) {
    this.#context = context;
  }

  /** What is announced beside everything else by service discovery. */
  ownFeatures(): string[] {
    const features: string[] = [];
    if (this.#has('v1')) features.push(NS_CAPS);
    if (this.#has('v2')) features.push(NS_CAPS2, NS_HASHES, ...HASH_FEATURES);
    return features;
  }

  /** The elements for `<stream:features/>` (XEP-0115 §6.3, XEP-0390 §5.2). */
  streamFeatures(domain: string): Maybe<Element[]> {
    return then(this.#info(domain), (info) => this.#elements(info));
  }

  /** Whether a node of service discovery is the hash of what this server can; then it stands for none. */
  isOwnNode(node: string, to: Jid): Maybe<boolean> {
    const known = this.#parse(node);
    if (known === undefined) return false;
    return then(
      this.#info(to.domain),
      (info) => this.#hash(info, known.version, known.algorithm) === known.value,
    );
  }

  #has(version: CapsVersion): boolean {
    return this.#context.options.versions.includes(version);
  }

  #elements(info: CapsInfo): Element[] {
    return this.#context.options.versions.map((version) => {
      if (version === 'v1') {
        const ver = this.#hash(info, 'v1', ALGORITHM_V1);
        return Element.of('c', NS_CAPS, { hash: ALGORITHM_V1, node: PRODUCT_URI, ver });
      }
      const value = this.#hash(info, 'v2', ALGORITHM_V2);
      return Element.of('c', NS_CAPS2, {}, Element.of('hash', NS_HASHES, { algo: ALGORITHM_V2 }, value));
    });
  }

  /** Which hash a node names, if it names one. */
  #parse(node: string): { version: CapsVersion; algorithm: string; value: string } | undefined {
    if (this.#has('v1') && node.startsWith(`${PRODUCT_URI}#`)) {
      return { version: 'v1', algorithm: ALGORITHM_V1, value: node.slice(PRODUCT_URI.length + 1) };
    }
    const prefix = `${NS_CAPS2}#`;
    if (!this.#has('v2') || !node.startsWith(prefix)) return undefined;
    const dot = node.lastIndexOf('.');
    const [algorithm, value] = [node.slice(prefix.length, dot), node.slice(dot + 1)];
    if (!isHashValue(algorithm, value) || nodeV2(algorithm, value) !== node) return undefined;
    return { version: 'v2', algorithm, value };
  }

  #hash(info: CapsInfo, version: CapsVersion, algorithm: string): string {
    // As it was collected: sorting and hashing it for every stream that opens costs ten times as much.
    const key = `${version} ${algorithm} ${JSON.stringify(info)}`;
    const known = this.#hashes.get(key);
    if (known !== undefined) return known;
    const hash = hashOf(algorithm, (version === 'v1' ? inputV1(info) : inputV2(info)) ?? '');
    if (this.#hashes.size >= HASHES_MAX) this.#hashes.clear();
    this.#hashes.set(key, hash);
    return hash;
  }

  /** What service discovery tells of a domain: collected anew each time, for modules come and go. */
  #info(domain: string): Maybe<CapsInfo> {
    const address = this.#context.trustedJid(domain);
    const question = <T>(): DiscoAcc<T> => {
      return { hostType: undefined, from: address, to: address, node: '', lang: '', result: undefined };
    };
    const identities = this.#context.foldHook('disco_local_identity', question(), {});
    const features = this.#context.foldHook('disco_local_features', question(), {});
    const about = { hostType: undefined, module: 'mod_disco', node: '', lang: '', result: undefined };
    const forms = this.#context.foldHook('disco_info', about, {});
    return then(identities, ({ result: i = [] }) =>
      then(features, ({ result: f = [] }) => then(forms, ({ result: x = [] }) => ownInfo(i, f, x))),
    );
  }
}

/** Goes on at once where nothing is waited for. */
function then<T, R>(value: Maybe<T>, work: (value: T) => Maybe<R>): Maybe<R> {
  return value instanceof Promise ? value.then(work) : work(value);
}
