import { type Element, NS_CAPS, NS_CAPS2, NS_HASHES, type Stanza } from '../module.ts';
import { hashOf, isHashValue } from './hash.ts';
import { type CapsInfo, readInfo } from './info.ts';
import { inputV1, isUnambiguous } from './input-v1.ts';
import { inputV2 } from './input-v2.ts';

export type CapsVersion = 'v1' | 'v2';

/** A hash that a client announced, of a function that is known here. */
export interface Announced {
  readonly version: CapsVersion;
  readonly algorithm: string;
  readonly value: string;
  /** The node to ask the client for. */
  readonly node: string;
  /** What the features are remembered under: the two versions hash different texts. */
  readonly key: string;
}

/** Longer names of software are not looked at. */
const NODE_LENGTH_MAX = 512;
/** Hashes of one presence that are looked at. */
const HASHES_MAX = 16;

/** The hash in a presence that is used: the first that can be, of the preferred version. */
export function announcedIn(presence: Stanza, versions: readonly CapsVersion[]): Announced | undefined {
  if (presence.isPlain || presence.isEmpty) return undefined;
  for (const version of versions) {
    const announced = version === 'v1' ? ofV1(presence.element) : ofV2(presence.element);
    if (announced !== undefined) return announced;
  }
  return undefined;
}

/** XEP-0115 §4. Without `hash` it is of the form before 2008, which says nothing that could be verified. */
function ofV1(presence: Element): Announced | undefined {
  const c = presence.child('c', NS_CAPS);
  const [algorithm, node, value] = ['hash', 'node', 'ver'].map((name) => c?.attribute(name) ?? '');
  if (node === '' || node!.length > NODE_LENGTH_MAX || !isHashValue(algorithm!, value!)) return undefined;
  return announced('v1', algorithm!, value!, `${node}#${value}`);
}

/** XEP-0390 §5.4. */
function ofV2(presence: Element): Announced | undefined {
  const hashes = presence.child('c', NS_CAPS2)?.elements().slice(0, HASHES_MAX) ?? [];
  for (const { name, ns, attributes, ...hash } of hashes) {
    if (name !== 'hash' || ns !== NS_HASHES) continue;
    const algorithm = attributes.get('algo') ?? '';
    const value = hash.children
      .filter((child) => typeof child === 'string')
      .join('')
      .trim();
    if (isHashValue(algorithm, value)) return announced('v2', algorithm, value, nodeV2(algorithm, value));
  }
  return undefined;
}

/** The node that XEP-0390 §4.3 makes of a hash. */
export function nodeV2(algorithm: string, value: string): string {
  return `${NS_CAPS2}#${algorithm}.${value}`;
}

function announced(version: CapsVersion, algorithm: string, value: string, node: string): Announced {
  return { version, algorithm, value, node, key: `${version} ${algorithm} ${value}` };
}

/** Features that belong to a hash, and whether everybody who announces the hash may be taken to have them. */
export interface Verified {
  readonly features: readonly string[];
  readonly isShareable: boolean;
}

/** Checks an answer against the hash (XEP-0115 §5.4, XEP-0390 §4.4); undefined when they do not belong together. */
export function verify(
  { version, algorithm, value }: Announced,
  query: Element | undefined,
  lang: string,
): Verified | undefined {
  const info = readInfo(query);
  if (info === undefined) return undefined;
  const inputs = version === 'v1' ? [inputV1(info)] : inputsV2(info, lang);
  if (!inputs.some((input) => input !== undefined && hashOf(algorithm, input) === value)) return undefined;
  return { features: [...new Set(info.features)], isShareable: version === 'v2' || isUnambiguous(info) };
}

/** Clients differ in whether the language of their stream counts for identities that name none. */
function inputsV2(info: CapsInfo, lang: string): (string | undefined)[] {
  return lang === '' ? [inputV2(info)] : [inputV2(info), inputV2(info, lang)];
}
