import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { Config } from '../config/config.ts';
import type { SessionInfo } from '../shard/commands.ts';
import type { Decision, Explanation } from '../shard/explain.ts';
import { ShardLostError } from '../supervisor/shard-handle.ts';
import type { CommandFailure } from '../util/command-error.ts';
import { parseJid } from '../xmpp/jid.ts';
import { AdminError } from './errors.ts';
import { commandsOfModules, text } from './module-commands.ts';
import type { ReloadReport } from './reload.ts';
import type { AdminCommand, Caller } from './socket.ts';
import type { Stats } from './stats.ts';
import type { ShownLine } from './trace-hub.ts';

/** What commands need of the server. */
export interface AdminHost {
  readonly config: Config;
  readonly product: { readonly name: string; readonly version: string };
  onAnyShard(command: string, args?: unknown): Promise<unknown>;
  onAllShards(command: string, args?: unknown): Promise<unknown[]>;
  onShard(shard: number, command: string, args?: unknown): Promise<unknown>;
  stats(): Stats;
  trace(bare: string, show: (line: ShownLine) => boolean): Promise<() => void>;
  backup(file: string): Promise<number>;
  reload(): Promise<ReloadReport>;
  /** Begins to stop the server. */
  stop(): void;
}

/** An explanation with the names of the sessions. */
export interface NamedExplanation extends Omit<Explanation, 'decision'> {
  readonly decision: Omit<Decision, 'sessions'> & { readonly sessions: readonly string[] };
}

type Args = Readonly<Record<string, unknown>>;

/** As many as authentication methods give in one page. */
const USERS_PAGE_MAX = 1_000;

/** The commands of the admin socket, by name. `docs/operations.md` has the same as commands of `meerkat`. */
export function adminCommands(host: AdminHost): ReadonlyMap<string, AdminCommand> {
  let isBackingUp = false;
  const onAny = (command: string, args: Args): Promise<unknown> => asked(host.onAnyShard(command, args));
  const commands: Record<string, AdminCommand> = {
    ping: () => ({ pid: process.pid, ...host.product }),
    stats: () => host.stats(),
    user_add: (args) => onAny('user_add', { jid: text(args, 'jid'), password: text(args, 'password') }),
    user_passwd: (args) => onAny('user_passwd', { jid: text(args, 'jid'), password: text(args, 'password') }),
    user_revoke: (args) => onAny('user_revoke', { jid: text(args, 'jid') }),
    user_delete: (args) => onAny('user_delete', { jid: text(args, 'jid') }),
    user_exists: (args) => onAny('user_exists', { jid: text(args, 'jid') }),
    user_list: (args) =>
      onAny('user_list', {
        domain: text(args, 'domain'),
        after: optionalText(args, 'after'),
        limit: Math.min(USERS_PAGE_MAX, optionalNumber(args, 'limit') ?? USERS_PAGE_MAX),
      }),
    user_export: (args) => onAny('user_export', { jid: text(args, 'jid') }),
    user_export_page: (args) => onAny('user_export_page', { jid: text(args, 'jid'), input: args }),
    export_user: (args) =>
      onAny('export_user', { jid: text(args, 'jid'), input: { cursor: args['cursor'] } }),
    import_user: (args) => onAny('import_user', { domain: text(args, 'domain'), input: args }),
    domain_remove_data: (args) => onAny('domain_remove_data', { domain: text(args, 'domain') }),
    ...commandsOfModules((module, command, input, domain) =>
      onAny('module', { command, text: module, domain, input }),
    ),
    domains: () => [...host.config.hosts.keys()],
    session_list: (args) => sessions(host, optionalText(args, 'domain'), optionalText(args, 'jid')),
    session_kick: (args) =>
      onAny('session_kick', { jid: text(args, 'jid'), text: optionalText(args, 'text') }),
    route: (args) => explain(host, text(args, 'from'), optionalText(args, 'to'), text(args, 'stanza')),
    trace: (args, caller) => trace(host, text(args, 'jid'), caller),
    backup: async (args) => {
      if (isBackingUp) throw new AdminError('backup_running', 'a backup is being made already');
      isBackingUp = true;
      try {
        return await backup(host, text(args, 'file'), args['isForced'] === true);
      } finally {
        isBackingUp = false;
      }
    },
    reload: () => host.reload(),
    stop: () => {
      host.stop();
      return { pid: process.pid };
    },
  };
  return new Map(Object.entries(commands));
}

/** What a shard answered; its failures become errors of the caller. */
async function asked(answer: Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await answer;
  } catch (cause) {
    if (cause instanceof ShardLostError || (cause as Error).message === 'no shard is ready') {
      throw new AdminError('not_ready', 'the server is not ready: a shard is missing; try again');
    }
    throw cause;
  }
  if (isCommandFailure(value)) throw new AdminError(value.failure.code, value.failure.message);
  return value;
}

async function sessions(
  host: AdminHost,
  domain: string | undefined,
  jid: string | undefined,
): Promise<SessionInfo[]> {
  const lists = (await host.onAllShards('session_list', { domain, jid })).map((value) => {
    if (isCommandFailure(value)) throw new AdminError(value.failure.code, value.failure.message);
    return value as SessionInfo[];
  });
  return lists.flat().sort((a, b) => (a.jid < b.jid ? -1 : a.jid > b.jid ? 1 : 0));
}

/** Explains on the shard of the sender's session, if there is one, so that its hooks are run, too. */
async function explain(
  host: AdminHost,
  from: string,
  to: string | undefined,
  stanza: string,
): Promise<NamedExplanation> {
  const own = await sessions(host, undefined, from);
  const best = own.reduce<SessionInfo | undefined>(
    (a, b) => (a === undefined || (b.priority ?? -200) > (a.priority ?? -200) ? b : a),
    undefined,
  );
  const args = { from: best?.jid ?? from, to, stanza };
  const answer =
    best === undefined ? host.onAnyShard('route', args) : host.onShard(best.shard, 'route', args);
  const { decision, ...explanation } = (await asked(answer)) as Explanation;
  const names = await Promise.all(
    decision.sessions.map(({ shard, numbers }) => asked(host.onShard(shard, 'session_names', { numbers }))),
  );
  return { ...explanation, decision: { ...decision, sessions: (names as string[][]).flat() } };
}

async function trace(host: AdminHost, text: string, caller: Caller): Promise<null> {
  const jid = parseJid(text);
  if (jid === undefined) throw new AdminError('invalid_jid', `not an address: ${text}`);
  const end = await host.trace(jid.bare, (line) => caller.event(line));
  caller.event({ started: jid.bare });
  if (!caller.signal.aborted) {
    await new Promise<void>((resolve) => {
      caller.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
  end();
  return null;
}

async function backup(
  host: AdminHost,
  file: string,
  isForced: boolean,
): Promise<{ file: string; bytes: number }> {
  if (!isAbsolute(file)) throw new AdminError('bad_request', 'file must be an absolute path');
  if (!isForced && existsSync(file)) {
    throw new AdminError('file_exists', `${file} exists already (--force replaces it)`);
  }
  try {
    return { file, bytes: await host.backup(file) };
  } catch (cause) {
    throw new AdminError('backup_failed', `no backup was made: ${(cause as Error).message}`);
  }
}

// ── arguments ────────────────────────────────────────────────────────────────────────────────────────────────────

function optionalText(args: Args, name: string): string | undefined {
  const value = args[name];
  return value === undefined || value === null ? undefined : text(args, name);
}

function optionalNumber(args: Args, name: string): number | undefined {
  const value = args[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  throw new AdminError('bad_request', `${name} must be a positive integer`);
}

function isCommandFailure(value: unknown): value is CommandFailure {
  return typeof value === 'object' && value !== null && 'failure' in value;
}
