import type { HostType } from '../hooks/host-type.ts';
import type { PersonalPage } from '../hooks/values.ts';
import { CommandError } from '../util/command-error.ts';
import { type Jid, makeJid, parseDomain, parseJid } from '../xmpp/jid.ts';
import type { CommandArgs } from './commands.ts';
import { exportUser, exportUserPage, removeDomainData, type UserExport } from './data-commands.ts';
import type { Shard } from './shard.ts';

/** Commands about accounts and domains. What is wrong with their arguments is a {@link CommandError}. */

export async function userAdd(shard: Shard, { jid = '', password = '' }: CommandArgs): Promise<string> {
  const account = accountOf(shard, jid);
  const result = await shard.accounts.register(
    account.hostType,
    account.jid.domain,
    account.jid.local,
    password,
  );
  switch (result) {
    case 'registered':
      return account.jid.bare;
    case 'exists':
      throw new CommandError('user_exists', `${account.jid.bare} exists already`);
    case 'null_password':
      throw new CommandError('password_refused', 'the password is empty');
    case 'invalid_jid':
      throw new CommandError('invalid_jid', `not the address of a user: ${jid}`);
    case 'limit_per_domain_exceeded':
      throw new CommandError('limit_reached', `${account.jid.domain} has as many users as it may have`);
    default:
      throw new CommandError('not_allowed', `accounts of ${account.jid.domain} are not kept by this server`);
  }
}

export async function userPassword(shard: Shard, { jid = '', password = '' }: CommandArgs): Promise<string> {
  const account = accountOf(shard, jid);
  const result = await shard.accounts.setPassword(account.hostType, account.jid, password);
  switch (result) {
    case 'changed':
      return account.jid.bare;
    case 'user_not_found':
      throw unknownUser(account.jid);
    case 'empty_password':
      throw new CommandError('password_refused', 'the password is empty');
    default:
      throw new CommandError('not_allowed', `passwords of ${account.jid.domain} are not kept by this server`);
  }
}

export async function userDelete(shard: Shard, text: string): Promise<string> {
  const { jid, hostType } = accountOf(shard, text);
  if (!(await shard.accounts.remove(hostType, jid))) throw unknownUser(jid);
  return jid.bare;
}

/** Ends everything that an account can log in with besides its password. */
export async function userRevoke(shard: Shard, text: string): Promise<string> {
  const { jid, hostType } = accountOf(shard, text);
  if (!(await shard.hostTypes.auth(hostType.name)!.auth.doesUserExist(jid.domain, jid.local)))
    throw unknownUser(jid);
  await shard.revocations.revoke(hostType.name, jid);
  return jid.bare;
}

export async function userExists(shard: Shard, text: string): Promise<boolean> {
  const { jid, hostType } = accountOf(shard, text);
  return await shard.hostTypes.auth(hostType.name)!.auth.doesUserExist(jid.domain, jid.local);
}

export async function userExport(shard: Shard, text: string): Promise<UserExport> {
  const { jid, hostType } = await existingAccountOf(shard, text);
  return await exportUser(hostType, jid);
}

export async function userExportPage(
  shard: Shard,
  { jid: text = '', input = {} }: CommandArgs,
): Promise<PersonalPage> {
  const { jid, hostType } = await existingAccountOf(shard, text);
  const { table, after } = input;
  if (typeof table !== 'string' || typeof after !== 'string')
    throw new CommandError('bad_request', 'table and after must be strings');
  return await exportUserPage(hostType, jid, table, after);
}

/** The same, of an account that is there. */
async function existingAccountOf(shard: Shard, text: string): Promise<ReturnType<typeof accountOf>> {
  const account = accountOf(shard, text);
  const { jid, hostType } = account;
  if (!(await shard.hostTypes.auth(hostType.name)!.auth.doesUserExist(jid.domain, jid.local)))
    throw unknownUser(jid);
  return account;
}

export async function domainRemoveData(shard: Shard, text: string): Promise<string> {
  const domain = parseDomain(text) ?? '';
  return await removeDomainData(hostTypeOf(shard, domain === '' ? text : domain), domain);
}

export async function userList(
  shard: Shard,
  domain: string,
  after: string | undefined,
  limit = 1_000,
): Promise<string[]> {
  const hostType = hostTypeOf(shard, domain);
  const page = after === undefined ? { limit } : { limit, after };
  const names = await shard.hostTypes.auth(hostType.name)!.auth.list(domain, page);
  return names.map((name) => makeJid(name, domain)?.bare ?? name);
}

/** An address of an account, and who serves its domain. */
export function accountOf(shard: Shard, text: string): { readonly jid: Jid; readonly hostType: HostType } {
  const jid = userOf(text).bareJid;
  return { jid, hostType: hostTypeOf(shard, jid.domain) };
}

function hostTypeOf(shard: Shard, domain: string): HostType {
  const info = shard.domains.hosted(domain);
  if (info === undefined)
    throw new CommandError('domain_unknown', `${domain} is not a domain of this server`);
  return info.hostType;
}

export function userOf(text: string): Jid {
  const jid = addressOf(text);
  if (jid.local === '') throw new CommandError('invalid_jid', `not the address of a user: ${text}`);
  return jid;
}

export function addressOf(text: string): Jid {
  const jid = parseJid(text);
  if (jid === undefined) throw new CommandError('invalid_jid', `not an address: ${text}`);
  return jid;
}

function unknownUser(jid: Jid): CommandError {
  return new CommandError('user_unknown', `there is no user ${jid.bare}`);
}
