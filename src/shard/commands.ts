import { StoreUnavailable } from '../auth/account-store.ts';
import type { C2s } from '../c2s/c2s.ts';
import type { Config } from '../config/config.ts';
import type { HostType } from '../hooks/host-type.ts';
import { StoreUnavailableError } from '../store/operations.ts';
import { type Jid, makeJid, parseJid } from '../xmpp/jid.ts';
import { CommandError, type CommandFailure } from './command-error.ts';
import { explainRoute } from './explain.ts';
import type { Shard } from './shard.ts';
import type { Threads } from './threads.ts';

/** What a command is given; each reads the fields it knows. */
export interface CommandArgs {
  readonly jid?: string | undefined;
  readonly domain?: string | undefined;
  readonly password?: string;
  readonly text?: string;
  readonly bares?: readonly string[];
  readonly numbers?: readonly number[];
  readonly config?: Config;
  readonly from?: string;
  readonly to?: string | undefined;
  readonly stanza?: string;
  readonly after?: string | undefined;
  readonly limit?: number;
}

/** One session, as `meerkat session list` shows it. */
export interface SessionInfo {
  readonly jid: string;
  readonly address: string;
  readonly port: number;
  readonly shard: number;
  readonly priority: number | null;
  readonly isEncrypted: boolean;
  readonly connectedMs: number;
}

/** What is counted outside of shared memory. */
export interface ShardStats {
  readonly shard: number;
  /** Runs of each hook that has handlers: hook, host type (or `global`), number. */
  readonly hooks: readonly (readonly [hook: string, tag: string, runs: number])[];
  /** Counters of modules. */
  readonly modules: readonly (readonly [name: string, count: number])[];
  readonly lanes: ReturnType<Threads['lanes']>;
}

type Command = (shard: Shard, args: CommandArgs) => unknown;

/** What the main thread can ask of a shard, by name. */
const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['session_list', (shard, { domain, jid }) => sessionList(shard, domain, jid)],
  ['session_names', (shard, { numbers }) => sessionNames(shard, numbers ?? [])],
  ['session_kick', (shard, { jid, text }) => kick(shard, jid ?? '', text ?? 'Kicked by administrator')],
  ['user_add', (shard, args) => userAdd(shard, args)],
  ['user_passwd', (shard, args) => userPassword(shard, args)],
  ['user_delete', (shard, { jid }) => userDelete(shard, jid ?? '')],
  ['user_exists', (shard, { jid }) => userExists(shard, jid ?? '')],
  ['user_list', (shard, { domain, after, limit }) => userList(shard, domain ?? '', after, limit)],
  ['trace', (shard, { bares }) => watch(shard, bares ?? [])],
  ['route', (shard, { from, to, stanza }) => explainRoute(shard, from ?? '', to, stanza ?? '')],
  ['reload', (shard, { config }) => shard.reload(config!)],
  ['stats', (shard) => stats(shard)],
  ['ping', (shard) => shard.store.request('ping')],
]);

/** Runs a command. What its caller did wrong comes back as a value; anything else rejects. */
export async function runCommand(
  shard: Shard,
  command: string,
  args: unknown,
): Promise<unknown | CommandFailure> {
  const run = COMMANDS.get(command);
  if (run === undefined) throw new TypeError(`shards know no command ${command}`);
  try {
    return await run(shard, (args ?? {}) as CommandArgs);
  } catch (cause) {
    return failureOf(cause);
  }
}

function failureOf(cause: unknown): CommandFailure {
  if (cause instanceof CommandError) return { failure: { code: cause.code, message: cause.message } };
  // The store's own error, or authentication's about it.
  if (!(cause instanceof StoreUnavailableError || cause instanceof StoreUnavailable)) throw cause;
  return { failure: { code: 'store_unavailable', message: `the store: ${cause.message}` } };
}

// ── sessions ─────────────────────────────────────────────────────────────────────────────────────────────────────

function sessionList(shard: Shard, domain: string | undefined, address: string | undefined): SessionInfo[] {
  const jid = address === undefined ? undefined : addressOf(address);
  const sessions: SessionInfo[] = [];
  for (const c2s of shard.connections.streams()) {
    if (!c2s.isEstablished || (domain !== undefined && c2s.jid.domain !== domain)) continue;
    if (jid !== undefined && (jid.isBare ? c2s.jid.bare : c2s.jid.full) !== jid.full) continue;
    sessions.push(describeSession(shard, c2s));
  }
  return sessions;
}

function describeSession(shard: Shard, c2s: C2s): SessionInfo {
  return {
    jid: c2s.jid.full,
    address: c2s.info.address,
    port: c2s.info.port,
    shard: shard.shard,
    priority: c2s.priority ?? null,
    isEncrypted: c2s.isEncrypted,
    connectedMs: Math.max(0, Math.round((shard.timestamp() - c2s.sid.time) / 1000)),
  };
}

/** Full JIDs of this shard's sessions by number, for whoever knows only that. */
function sessionNames(shard: Shard, numbers: readonly number[]): string[] {
  return numbers.flatMap((number) => shard.sm.table.get(number)?.jid.full ?? []);
}

/** Ends the sessions of an account, or one of them. Runs on one shard only; it reaches all. */
function kick(shard: Shard, text: string, message: string): number {
  const jid = userOf(text);
  if (jid.isBare) {
    const count = shard.closeSessions(jid, message);
    if (count === 0) throw new CommandError('session_unknown', `${jid.bare} has no session`);
    return count;
  }
  if (!shard.sm.findFull(jid)) throw new CommandError('session_unknown', `there is no session ${jid.full}`);
  const { shard: owner, number } = shard.sm.directory;
  shard.sm.closeSession({ shard: owner, number, time: 0 }, jid.full, 'kicked', message);
  shard.touch();
  return 1;
}

// ── accounts ─────────────────────────────────────────────────────────────────────────────────────────────────────

async function userAdd(shard: Shard, { jid = '', password = '' }: CommandArgs): Promise<string> {
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

async function userPassword(shard: Shard, { jid = '', password = '' }: CommandArgs): Promise<string> {
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

async function userDelete(shard: Shard, text: string): Promise<string> {
  const { jid, hostType } = accountOf(shard, text);
  if (!(await shard.accounts.remove(hostType, jid))) throw unknownUser(jid);
  return jid.bare;
}

async function userExists(shard: Shard, text: string): Promise<boolean> {
  const { jid, hostType } = accountOf(shard, text);
  return await shard.hostTypes.auth(hostType.name)!.auth.doesUserExist(jid.domain, jid.local);
}

async function userList(
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

function accountOf(shard: Shard, text: string): { readonly jid: Jid; readonly hostType: HostType } {
  const jid = userOf(text).bareJid;
  return { jid, hostType: hostTypeOf(shard, jid.domain) };
}

function hostTypeOf(shard: Shard, domain: string): HostType {
  const info = shard.domain(domain);
  if (info === undefined)
    throw new CommandError('domain_unknown', `${domain} is not a domain of this server`);
  return info.hostType;
}

function userOf(text: string): Jid {
  const jid = addressOf(text);
  if (jid.local === '') throw new CommandError('invalid_jid', `not the address of a user: ${text}`);
  return jid;
}

function addressOf(text: string): Jid {
  const jid = parseJid(text);
  if (jid === undefined) throw new CommandError('invalid_jid', `not an address: ${text}`);
  return jid;
}

function unknownUser(jid: Jid): CommandError {
  return new CommandError('user_unknown', `there is no user ${jid.bare}`);
}

// ── looking on ───────────────────────────────────────────────────────────────────────────────────────────────────

function watch(shard: Shard, bares: readonly string[]): void {
  shard.tracing.watch(bares);
  const { isActive } = shard.tracing;
  for (const c2s of shard.connections.streams()) if (c2s.isEstablished) c2s.isTraced = isActive;
}

function stats(shard: Shard): ShardStats {
  const hooks: [string, string, number][] = [];
  const tables = [
    { name: 'global', chains: shard.globals.chains },
    ...shard.hostTypes.all().map(({ name, chains }) => ({ name, chains })),
  ];
  for (const { name, chains } of tables) {
    for (const chain of chains) if (chain !== null) hooks.push([chain.hook, name, chain.runs]);
  }
  return { shard: shard.shard, hooks, modules: [...shard.moduleCounters], lanes: shard.threads.lanes() };
}
