import { randomBytes } from 'node:crypto';
import {
  includesCredentials,
  legacyCredentials,
  type ReadCredentials,
  readCredentials,
} from '../auth/portable-credentials.ts';
import type { HostType } from '../hooks/host-type.ts';
import type { PortableOutcome } from '../modules/module.ts';
import type { Element } from '../xml/element.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { Shard } from './shard.ts';

/** What came of an account: as {@link PortableOutcome}; `locked`: it is there, or was made, but has no password; `refused`: it is not there, and cannot be made. */
export type AccountOutcome =
  | PortableOutcome
  | 'locked'
  | 'made_locked'
  | { readonly code: 'refused'; readonly text: string };

/** The values that say which accounts were made without a password: what they have in its place. */
const MODULE = 'import';
const KEY = 'locked';

/** Where accounts of files come from: credentials, a password, or neither. */
export interface OfferedCredentials {
  readonly password: string | undefined;
  readonly elements: readonly Element[];
}

/**
 * Makes an account as a file of XEP-0227 has it. One that is there keeps its password. An account without any in the file is made as well, so that its data find a
 * place; nobody can enter it until its password is set, or comes with another part of the file.
 */
export async function takeAccount(
  shard: Shard,
  hostType: HostType,
  jid: Jid,
  offered: OfferedCredentials,
): Promise<{ readonly account: AccountOutcome; readonly problems: ReadCredentials['problems'] }> {
  const { details: read, problems } = readCredentials(offered.elements);
  const legacy = offered.password === undefined ? undefined : legacyCredentials(offered.password);
  const password = legacy === undefined && offered.password !== '' ? offered.password : undefined;
  const account = await takeCredentials(shard, hostType, jid, password, legacy ?? read);
  return { account, problems };
}

async function takeCredentials(
  shard: Shard,
  hostType: HostType,
  jid: Jid,
  password: string | undefined,
  details: string | undefined,
): Promise<AccountOutcome> {
  const { auth } = shard.hostTypes.auth(hostType.name)!;
  const existence = await auth.existence(jid.domain, jid.local);
  if (existence === 'yes') return await compare(shard, hostType, jid, password, details);
  if (password === undefined && details === undefined) {
    // A password that nobody knows.
    const outcome = await shard.accounts.register(
      hostType,
      jid.domain,
      jid.local,
      randomBytes(24).toString('base64'),
    );
    if (outcome !== 'registered') return refused(outcome);
    const made = await auth.credentials?.get(jid.domain, jid.local);
    if (made !== undefined) await shard.store.request('value_set', MODULE, jid.bare, KEY, made);
    return 'made_locked';
  }
  const outcome =
    password === undefined
      ? await shard.accounts.import(hostType, jid, details!)
      : await shard.accounts.register(hostType, jid.domain, jid.local, password);
  return outcome === 'registered' ? 'taken' : refused(outcome);
}

/** For an account that is there. */
async function compare(
  shard: Shard,
  hostType: HostType,
  jid: Jid,
  password: string | undefined,
  details: string | undefined,
): Promise<AccountOutcome> {
  const { auth } = shard.hostTypes.auth(hostType.name)!;
  const { domain, local } = jid;
  const own = await auth.credentials?.get(domain, local);
  const locked = await shard.store.request('value_get', MODULE, jid.bare, KEY);
  const isLocked = own !== undefined && own === locked;
  if (password === undefined && details === undefined) return isLocked ? 'locked' : 'known';
  if (isLocked) {
    if (password !== undefined) {
      if ((await shard.accounts.setPassword(hostType, jid, password)) !== 'changed') return 'locked';
    } else if (!(await auth.credentials!.update(domain, local, details!))) return 'locked';
    await shard.store.request('value_delete', MODULE, jid.bare, KEY);
    return 'taken';
  }
  const isSame =
    password !== undefined
      ? (await auth.logins().checkPassword(domain, local, password)) !== undefined
      : own !== undefined && includesCredentials(own, details!);
  return isSame ? 'known' : { code: 'differs', text: 'the account has another password, which stays' };
}

/** The credentials of an account for a file; undefined when it has none that are worth anything. */
export async function givenCredentials(
  shard: Shard,
  hostType: HostType,
  jid: Jid,
): Promise<string | undefined> {
  const { auth } = shard.hostTypes.auth(hostType.name)!;
  const own = await auth.credentials?.get(jid.domain, jid.local);
  if (own === undefined) return undefined;
  return own === (await shard.store.request('value_get', MODULE, jid.bare, KEY)) ? undefined : own;
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['null_password', 'its password is empty'],
  ['invalid_jid', 'its name is not valid'],
  ['exists', 'somebody else made it at the same moment'],
  ['limit_per_domain_exceeded', 'the domain has as many accounts as it may have'],
  ['not_allowed', 'its password cannot be used, or accounts of the domain are not kept by this server'],
]);

function refused(reason: string): AccountOutcome {
  return { code: 'refused', text: REASONS.get(reason) ?? reason };
}
