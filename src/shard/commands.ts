import type { Config } from '../config/config.ts';
import { makeJid, parseJid } from '../xmpp/jid.ts';
import { explainRoute } from './explain.ts';
import type { Shard } from './shard.ts';

/** What a command is given; each reads the fields it knows. */
export interface CommandArgs {
  readonly jid?: string;
  readonly username?: string;
  readonly domain?: string;
  readonly password?: string;
  readonly text?: string;
  readonly bares?: readonly string[];
  readonly config?: Config;
  readonly from?: string;
  readonly to?: string;
  readonly stanza?: string;
  readonly file?: string;
  readonly after?: string;
  readonly limit?: number;
}

/** Something about the command itself is wrong; the message is for the operator. */
export class CommandError extends Error {}

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

type Command = (shard: Shard, args: CommandArgs) => unknown;

/** What the main thread can ask of a shard, by name. */
const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['session_list', (shard, { domain }) => sessionList(shard, domain)],
  ['session_kick', (shard, { jid, text }) => kick(shard, jid ?? '', text ?? 'Kicked by administrator')],
  ['user_add', (shard, args) => userAdd(shard, args)],
  ['user_passwd', (shard, args) => userPassword(shard, args)],
  ['user_delete', (shard, { jid }) => userDelete(shard, jid ?? '')],
  ['user_exists', (shard, { jid }) => userExists(shard, jid ?? '')],
  ['user_list', (shard, { domain, after, limit }) => userList(shard, domain ?? '', after, limit)],
  ['trace', (shard, { bares }) => watch(shard, bares ?? [])],
  ['route', (shard, args) => explainRoute(shard, args.from ?? '', args.to ?? '', args.stanza ?? '')],
  ['reload', (shard, { config }) => shard.reload(config!)],
  ['backup', (shard, { file }) => shard.store.request('backup', file ?? '')],
  ['stats', (shard) => stats(shard)],
  ['ping', (shard) => shard.store.request('ping')],
]);

export async function runCommand(shard: Shard, command: string, args: unknown): Promise<unknown> {
  const run = COMMANDS.get(command);
  if (run === undefined) throw new CommandError(`shards know no command ${command}`);
  return await run(shard, (args ?? {}) as CommandArgs);
}

function sessionList(shard: Shard, domain: string | undefined): SessionInfo[] {
  const sessions: SessionInfo[] = [];
  for (const c2s of shard.connections.streams()) {
    if (!c2s.isEstablished || (domain !== undefined && c2s.jid.domain !== domain)) continue;
    sessions.push({
      jid: c2s.jid.full,
      address: c2s.info.address,
      port: c2s.info.port,
      shard: shard.shard,
      priority: c2s.priority ?? null,
      isEncrypted: c2s.isEncrypted,
      connectedMs: Math.round((shard.timestamp() - c2s.sid.time) / 1000),
    });
  }
  return sessions;
}

/** Ends the sessions of an account, or one of them. Runs on one shard only; it reaches all. */
function kick(shard: Shard, text: string, message: string): number {
  const jid = parseJid(text);
  if (jid === undefined || jid.local === '') throw new CommandError(`not the address of a user: ${text}`);
  if (jid.isBare) return shard.closeSessions(jid, message);
  if (!shard.sm.findFull(jid)) return 0;
  const { shard: owner, number } = shard.sm.directory;
  shard.sm.closeSession({ shard: owner, number, time: 0 }, jid.full, 'kicked', message);
  shard.touch();
  return 1;
}

function hostTypeOf(shard: Shard, domain: string): NonNullable<ReturnType<Shard['domain']>> {
  const info = shard.domain(domain);
  if (info === undefined) throw new CommandError(`${domain} is not a domain of this server`);
  return info;
}

function accountOf(
  shard: Shard,
  text: string,
): { jid: NonNullable<ReturnType<typeof parseJid>>; hostType: ReturnType<typeof hostTypeOf>['hostType'] } {
  const jid = parseJid(text);
  if (jid === undefined || jid.local === '') throw new CommandError(`not the address of a user: ${text}`);
  return { jid: jid.bareJid, hostType: hostTypeOf(shard, jid.domain).hostType };
}

async function userAdd(shard: Shard, { jid = '', password = '' }: CommandArgs): Promise<string> {
  const account = accountOf(shard, jid);
  return await shard.accounts.register(account.hostType, account.jid.domain, account.jid.local, password);
}

async function userPassword(shard: Shard, { jid = '', password = '' }: CommandArgs): Promise<string> {
  const account = accountOf(shard, jid);
  return await shard.accounts.setPassword(account.hostType, account.jid, password);
}

async function userDelete(shard: Shard, text: string): Promise<boolean> {
  const { jid, hostType } = accountOf(shard, text);
  return await shard.accounts.remove(hostType, jid);
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
  const { hostType } = hostTypeOf(shard, domain);
  const page = after === undefined ? { limit } : { limit, after };
  const names = await shard.hostTypes.auth(hostType.name)!.auth.list(domain, page);
  return names.map((name) => makeJid(name, domain)?.bare ?? name);
}

function watch(shard: Shard, bares: readonly string[]): void {
  shard.tracing.watch(bares);
  for (const c2s of shard.connections.streams()) {
    if (c2s.isEstablished) c2s.isTraced = shard.tracing.watches(c2s.jid.bare);
  }
}

/** What is counted outside of shared memory: runs of hooks, counters of modules. */
function stats(shard: Shard): { hooks: [string, string, number][]; modules: [string, number][] } {
  const hooks: [string, string, number][] = [];
  const tables = [
    { name: 'global', chains: shard.globals.chains },
    ...shard.hostTypes.all().map(({ name, chains }) => ({ name, chains })),
  ];
  for (const { name, chains } of tables) {
    for (const chain of chains) if (chain !== null) hooks.push([chain.hook, name, chain.runs]);
  }
  return { hooks, modules: [...shard.moduleCounters] };
}
