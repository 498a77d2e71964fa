import { CommandError } from '../../util/command-error.ts';
import type { Element } from '../../xml/element.ts';
import { parseStamp } from '../../xmpp/delay.ts';
import { type Jid, parseDomain, parseJid } from '../../xmpp/jid.ts';
import { parseTyped } from '../../xmpp/typed-xml.ts';
import type { ModuleContext } from './context.ts';
import type { CommandInput } from './registrations.ts';

/** What commands of the administration are given, looked at. Each throws a {@link CommandError} when it is not what it should be. */

const DATE = /^\d{4}-\d\d-\d\d$/;

/** `jid`: the address of a user of the host type, made bare; there may be no such account. */
export function userInput(context: ModuleContext, input: CommandInput): Jid {
  const jid = parseJid(String(input['jid']));
  if (jid === undefined || jid.local === '' || !context.hosts.includes(jid.domain)) {
    throw new CommandError('invalid_jid', `not the address of a user: ${String(input['jid'])}`);
  }
  return jid.bareJid;
}

/** The same of a user who has an account. */
export async function accountInput(context: ModuleContext, input: CommandInput): Promise<Jid> {
  const user = userInput(context, input);
  await mustExist(context, user);
  return user;
}

/**
 * Runs `write`, which stores something for an account. If the account was removed meanwhile, `undo` takes it away again: otherwise it would belong to
 * whoever has the name next.
 */
export async function writeForAccount<T>(
  context: ModuleContext,
  user: Jid,
  write: () => Promise<T>,
  undo: () => Promise<unknown>,
): Promise<T> {
  const result = await write();
  if (!(await context.accounts.exists(user))) {
    await undo();
    throw unknownUser(user);
  }
  return result;
}

async function mustExist(context: ModuleContext, user: Jid): Promise<void> {
  if (!(await context.accounts.exists(user))) throw unknownUser(user);
}

function unknownUser({ bare }: Jid): CommandError {
  return new CommandError('user_unknown', `there is no user ${bare}`);
}

/** `domain`: one of the host type's. */
export function domainInput(context: ModuleContext, input: CommandInput): string {
  const domain = parseDomain(String(input['domain']));
  if (domain !== undefined && context.hosts.includes(domain)) return domain;
  throw new CommandError('domain_unknown', `${String(input['domain'])} is not a domain here`);
}

/** A whole number from 0; `standard` when it is not given. */
export function numberInput(input: CommandInput, name: string, standard: number): number {
  const value = input[name] ?? standard;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new CommandError('bad_request', `${name} is a whole number from 0`);
}

/** A text of at most `bytesMax` bytes of UTF-8; empty when it is not given. */
export function textInput(input: CommandInput, name: string, bytesMax: number): string {
  const value = input[name] ?? '';
  if (typeof value === 'string' && Buffer.byteLength(value) <= bytesMax) return value;
  throw new CommandError('bad_request', `${name} is a text of at most ${bytesMax} bytes`);
}

/** A moment in microseconds since the epoch: `2026-07-01T12:00:00Z` (XEP-0082), or a date, which begins in UTC. Undefined when it is not given. */
export function timeInput(input: CommandInput, name: string): number | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  const text = String(value);
  const time = parseStamp(DATE.test(text) ? `${text}T00:00:00Z` : text);
  if (time !== undefined && time >= 0 && isDay(text.slice(0, 10))) return time;
  throw new CommandError(
    'bad_request',
    `${name} is a time as 2026-07-01T12:00:00Z or a date as 2026-07-01, not ${text}`,
  );
}

/** Whether there is such a day: the thirtieth of February would count as the second of March. */
function isDay(date: string): boolean {
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}

/** XML elements that an operator typed, one at least. */
export function elementsInput(input: CommandInput, name: string): Element[] {
  const value = input[name];
  if (typeof value !== 'string') throw new CommandError('bad_request', `${name} is a text`);
  let elements: Element[];
  try {
    elements = parseTyped(value);
  } catch (cause) {
    throw new CommandError('invalid_xml', `${name} is not well-formed: ${(cause as Error).message}`);
  }
  if (elements.length > 0) return elements;
  throw new CommandError('invalid_xml', `${name} has no element`);
}
