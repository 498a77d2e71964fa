import {
  accountInput,
  CommandError,
  type CommandInput,
  domainInput,
  type Jid,
  type ModuleContext,
  makeJid,
  numberInput,
  textInput,
  timeInput,
  writeForAccount,
} from '../module.ts';
import { type Departures, STATUS_LENGTH_MAX } from './departures.ts';

/** Accounts looked at for one answer; fewer where they are removed, which takes longer. */
const PAGE_MAX = 1_000;
const REMOVALS_MAX = 50;
const NAME_BYTES_MAX = 1_023;

/** The commands of `meerkat last`. Times are texts as XEP-0082 has them. */
export function registerCommands(context: ModuleContext, departures: Departures): void {
  context.command('last_get', async (input) => {
    const user = await accountInput(context, input);
    const isOnline = isThere(context, user);
    const last = await departures.of(user);
    if (last === null && !isOnline)
      throw new CommandError('nothing_stored', `nobody knows when ${user.bare} was there last`);
    const timestamp = last === null ? null : textOf(last.timestamp);
    return { jid: user.bare, isOnline, timestamp, status: last?.status ?? '' };
  });
  context.command('last_set', (input) => set(context, departures, input));
  context.command('last_active', async (input) => {
    const domain = domainInput(context, input);
    const since = required(input, 'since');
    const { users, next } = await page(context, input, domain, PAGE_MAX);
    const active = users.filter(
      ({ user, seen }) => (seen !== null && seen >= since) || isThere(context, user),
    );
    return { count: active.length, next };
  });
  context.command('last_old', async (input) => {
    const { users, next } = await oldUsers(context, input, PAGE_MAX);
    const shown = users.map(({ user, seen }) => [user.bare, seen === null ? null : textOf(seen)] as const);
    return { users: shown.map(([jid, timestamp]) => ({ jid, timestamp })), next };
  });
  context.command('last_remove_old', async (input) => {
    const { users, next } = await oldUsers(context, input, REMOVALS_MAX);
    const removed: string[] = [];
    for (const { user } of users) {
      // Somebody may have come while others were removed.
      if (!isThere(context, user) && (await context.accounts.remove(user))) removed.push(user.bare);
    }
    return { removed, next };
  });
}

async function set(context: ModuleContext, departures: Departures, input: CommandInput): Promise<unknown> {
  const status = textInput(input, 'status', 4 * STATUS_LENGTH_MAX);
  if (status.length > STATUS_LENGTH_MAX || !status.isWellFormed()) {
    throw new CommandError('bad_request', `a status is a text of at most ${STATUS_LENGTH_MAX} characters`);
  }
  const now = context.timestamp();
  const timestamp = timeInput(input, 'timestamp') ?? now;
  // What comes later counts: nobody's leaving would be noted until then.
  if (timestamp > now) throw new CommandError('bad_request', 'the time is yet to come');
  const user = await accountInput(context, input);
  await writeForAccount(
    context,
    user,
    () => departures.replace(user, timestamp, status),
    () => departures.purge(user),
  );
  return { jid: user.bare, timestamp: textOf(timestamp), status };
}

interface Seen {
  readonly user: Jid;
  /** Microseconds since the epoch; null when nobody knows. */
  readonly seen: number | null;
}

interface Page {
  readonly users: readonly Seen[];
  /** What the next page comes after; null when there is none. */
  readonly next: string | null;
}

/** Of the accounts of a page, those that nobody uses and nobody has used since the time `before`. One made after that is not old, though it was never used. */
async function oldUsers(context: ModuleContext, input: CommandInput, limitMax: number): Promise<Page> {
  const domain = domainInput(context, input);
  const before = required(input, 'before');
  const { users, next } = await page(context, input, domain, limitMax, before);
  return {
    users: users.filter(({ user, seen }) => (seen === null || seen < before) && !isThere(context, user)),
    next,
  };
}

/** A page of accounts in the order of their names: those that the authentication methods list, and those that were seen leaving. */
async function page(
  context: ModuleContext,
  input: CommandInput,
  domain: string,
  limitMax: number,
  madeBefore?: number,
): Promise<Page> {
  const after = textInput(input, 'after', NAME_BYTES_MAX);
  const limit = Math.max(1, Math.min(limitMax, numberInput(input, 'limit', limitMax)));
  const made = madeBefore === undefined ? {} : { createdAtMax: Math.floor(madeBefore / 1_000) };
  const [listed, noted] = await Promise.all([
    context.accounts.list(domain, { after, limit, ...made }),
    context.store.request('last_list', domain, after, limit),
  ]);
  const seen = new Map(noted);
  const names = [...new Set([...listed, ...seen.keys()])].sort(byBytes).slice(0, limit);
  const users = names.flatMap((name): Seen[] => {
    const user = makeJid(name, domain);
    return user === undefined ? [] : [{ user, seen: seen.get(name) ?? null }];
  });
  return { users, next: names.length < limit ? null : names.at(-1)! };
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function required(input: CommandInput, name: string): number {
  const time = timeInput(input, name);
  if (time === undefined) throw new CommandError('bad_request', `${name} is missing`);
  return time;
}

function isThere(context: ModuleContext, user: Jid): boolean {
  return context.sessions(user).length > 0;
}

function textOf(timestamp: number): string {
  return new Date(timestamp / 1_000).toISOString();
}
