import { Element } from '../xml/element.ts';
import { NS_PIE_SCRAM } from '../xmpp/namespaces.ts';
import { HASH_FACTS, SCRAM_HASHES, type ScramCredentials, type ScramHash, type ScramKeys } from './scram.ts';
import { parseCredentials, serializeCredentials } from './scram-text.ts';

/** SCRAM credentials as XEP-0227 has them: an element for each mechanism. */

const NAME = 'scram-credentials';
/** How ejabberd wrote them into the attribute `password` before there was an element for them. */
const LEGACY = 'scram:';

const HASH_OF_MECHANISM: ReadonlyMap<string, ScramHash> = new Map(
  SCRAM_HASHES.map((hash) => [HASH_FACTS[hash].mechanism, hash]),
);
const HASH_OF_LEGACY_NAME: ReadonlyMap<string, ScramHash> = new Map([
  ['sha', 'sha'],
  ['sha256', 'sha256'],
  ['sha512', 'sha512'],
]);

/** The elements of an account's credentials; none for a text that is none. */
export function credentialElements(details: string): Element[] {
  const credentials = parseCredentials(details);
  if (credentials === undefined) return [];
  return [...credentials.hashes].map(([hash, { salt, storedKey, serverKey }]) =>
    Element.of(
      NAME,
      NS_PIE_SCRAM,
      { mechanism: HASH_FACTS[hash].mechanism },
      Element.of('iter-count', NS_PIE_SCRAM, {}, String(credentials.iterations)),
      Element.of('salt', NS_PIE_SCRAM, {}, salt.toString('base64')),
      Element.of('server-key', NS_PIE_SCRAM, {}, serverKey.toString('base64')),
      Element.of('stored-key', NS_PIE_SCRAM, {}, storedKey.toString('base64')),
    ),
  );
}

/** What was read of an account's credentials: those that can be kept together, and what is wrong with each element, if anything. */
export interface ReadCredentials {
  /** In the form of `scram-text.ts`; undefined when none is usable. */
  readonly details: string | undefined;
  readonly problems: readonly (string | undefined)[];
}

/**
 * Reads credentials. An account has one iteration count for all of its hashes here: of elements with different ones, those with the count of the strongest hash are
 * taken.
 */
export function readCredentials(elements: readonly Element[]): ReadCredentials {
  const read = elements.map(readElement);
  let strongest: ScramCredentials | undefined;
  for (const hash of SCRAM_HASHES) {
    strongest =
      (read.find((one) => typeof one !== 'string' && one.hashes.has(hash)) as typeof strongest) ?? strongest;
  }
  if (strongest === undefined) return { details: undefined, problems: read.map((one) => one as string) };
  const { iterations } = strongest;
  const hashes = new Map<ScramHash, ScramKeys>();
  const problems = read.map((one): string | undefined => {
    if (typeof one === 'string') return one;
    const [[hash, keys]] = [...one.hashes] as [[ScramHash, ScramKeys]];
    if (one.iterations !== iterations)
      return `its iteration count is another one than the ${iterations} of the others`;
    if (hashes.has(hash)) return 'its mechanism is there twice';
    hashes.set(hash, keys);
    return undefined;
  });
  return { details: serializeCredentials({ iterations, hashes }), problems };
}

function readElement(element: Element): ScramCredentials | string {
  const mechanism = element.attribute('mechanism') ?? '';
  const hash = HASH_OF_MECHANISM.get(mechanism);
  if (hash === undefined) return `the mechanism ${mechanism} is not known`;
  const text = (name: string): string => element.childText(name)?.replace(/\s+/g, '') ?? '';
  return parse(hash, text('iter-count'), text('salt'), text('stored-key'), text('server-key'));
}

/** The one text form of MongooseIM's with a single hash is the parser of all of it: lengths, base64, bounds of the count. */
function parse(
  hash: ScramHash,
  iterations: string,
  salt: string,
  storedKey: string,
  serverKey: string,
): ScramCredentials | string {
  const prefix = hash === 'sha' ? '===SHA1===' : `==${hash.toUpperCase()}==`;
  const text = `==MULTI_SCRAM==,${iterations},${prefix}${salt}|${storedKey}|${serverKey}`;
  return parseCredentials(text) ?? 'salt, keys or iteration count are not usable';
}

/** Credentials in the attribute `password`, as ejabberd wrote them once: `scram:[hash,]stored,server,salt,iterations`. Undefined for a password. */
export function legacyCredentials(password: string): string | undefined {
  if (!password.startsWith(LEGACY)) return undefined;
  const parts = password.slice(LEGACY.length).split(',');
  const hash = parts.length === 5 ? HASH_OF_LEGACY_NAME.get(parts.shift()!) : 'sha';
  if (hash === undefined || parts.length !== 4) return undefined;
  const [storedKey, serverKey, salt, iterations] = parts as [string, string, string, string];
  const credentials = parse(hash, iterations, salt, storedKey, serverKey);
  return typeof credentials === 'string' ? undefined : serializeCredentials(credentials);
}

/** Whether an account that has `own` has all of `others`, with the same keys. */
export function includesCredentials(own: string, others: string): boolean {
  const [a, b] = [parseCredentials(own), parseCredentials(others)];
  if (a === undefined || b === undefined || a.iterations !== b.iterations) return false;
  return [...b.hashes].every(([hash, keys]) => {
    const mine = a.hashes.get(hash);
    if (mine === undefined) return false;
    return mine.salt.equals(keys.salt) && mine.storedKey.equals(keys.storedKey);
  });
}
