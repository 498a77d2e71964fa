import { StoreUnavailable } from '../auth/account-store.ts';
import type { C2s } from '../c2s/c2s.ts';
import type { Config } from '../config/config.ts';
import { StoreUnavailableError } from '../store/operations.ts';
import { CommandError, type CommandFailure } from '../util/command-error.ts';
import {
  addressOf,
  domainRemoveData,
  userAdd,
  userDelete,
  userExists,
  userExport,
  userExportPage,
  userList,
  userOf,
  userPassword,
  userRevoke,
} from './account-commands.ts';
import type { LostShard } from './clean-up.ts';
import { explainRoute } from './explain.ts';
import { moduleCommand } from './module-commands.ts';
import { exportUserPiece } from './portable-export.ts';
import { importUser } from './portable-import.ts';
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
  readonly isKept?: boolean;
  readonly from?: string;
  readonly to?: string | undefined;
  readonly stanza?: string;
  readonly after?: string | undefined;
  readonly limit?: number;
  /** A command of a module: its name and what it is given. */
  readonly command?: string;
  readonly input?: Readonly<Record<string, unknown>>;
  readonly lost?: LostShard;
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
  /** Counters with labels: name and values, joined by line ends. */
  readonly labelled: readonly (readonly [key: string, value: number])[];
  readonly lanes: ReturnType<Threads['lanes']>;
}

type Command = (shard: Shard, args: CommandArgs) => unknown;

/** What the main thread can ask of a shard, by name. */
const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['clean_up', (shard, { lost }) => shard.cleanUp(lost!.shard, lost!.sessions, lost!.diedAt)],
  ['session_list', (shard, { domain, jid }) => sessionList(shard, domain, jid)],
  ['session_names', (shard, { numbers }) => sessionNames(shard, numbers ?? [])],
  ['session_kick', (shard, { jid, text }) => kick(shard, jid ?? '', text ?? 'Kicked by administrator')],
  ['user_add', (shard, args) => userAdd(shard, args)],
  ['user_passwd', (shard, args) => userPassword(shard, args)],
  ['user_delete', (shard, { jid }) => userDelete(shard, jid ?? '')],
  ['user_revoke', (shard, { jid }) => userRevoke(shard, jid ?? '')],
  ['user_exists', (shard, { jid }) => userExists(shard, jid ?? '')],
  ['user_list', (shard, { domain, after, limit }) => userList(shard, domain ?? '', after, limit)],
  ['user_export', (shard, { jid }) => userExport(shard, jid ?? '')],
  ['user_export_page', (shard, args) => userExportPage(shard, args)],
  ['export_user', (shard, args) => exportUserPiece(shard, args)],
  ['import_user', (shard, args) => importUser(shard, args)],
  ['domain_remove_data', (shard, { domain }) => domainRemoveData(shard, domain ?? '')],
  ['module', (shard, args) => moduleCommand(shard, args)],
  ['trace', (shard, { bares }) => watch(shard, bares ?? [])],
  ['route', (shard, { from, to, stanza }) => explainRoute(shard, from ?? '', to, stanza ?? '')],
  ['reload', (shard, { config }) => shard.configuration.prepare(config!)],
  ['settle', (shard, { isKept }) => shard.configuration.settle(isKept!)],
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
  for (const c2s of [...shard.connections.streams(), ...shard.sessions.detached()]) {
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

// ── looking on ───────────────────────────────────────────────────────────────────────────────────────────────────

function watch(shard: Shard, bares: readonly string[]): void {
  shard.tracing.watch(bares);
  const { isActive } = shard.tracing;
  for (const c2s of [...shard.connections.streams(), ...shard.sessions.detached()])
    if (c2s.isEstablished) c2s.isTraced = isActive;
}

function stats(shard: Shard): ShardStats {
  const hooks: [string, string, number][] = [];
  const tables = [
    { name: 'global', chains: shard.hostTypes.globals.chains },
    ...shard.hostTypes.all().map(({ name, chains }) => ({ name, chains })),
  ];
  for (const { name, chains } of tables) {
    for (const chain of chains) if (chain !== null) hooks.push([chain.hook, name, chain.runs]);
  }
  return {
    shard: shard.shard,
    hooks,
    modules: [...shard.moduleCounters],
    labelled: shard.counts.entries(),
    lanes: shard.threads.lanes(),
  };
}
