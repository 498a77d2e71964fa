import type { PortableEntry, PortableOutcome, PortablePart } from '../modules/module.ts';
import { CommandError } from '../util/command-error.ts';
import type { Element } from '../xml/element.ts';
import { parseForeign } from '../xmpp/foreign-xml.ts';
import { makeJid } from '../xmpp/jid.ts';
import { NS_PIE_SCRAM } from '../xmpp/namespaces.ts';
import { accountOf } from './account-commands.ts';
import type { CommandArgs } from './commands.ts';
import { type AccountOutcome, takeAccount } from './portable-accounts.ts';
import type { Shard } from './shard.ts';

/** Entries in one request. */
const ENTRIES_MAX = 2_000;

/** An entry as it comes from outside: the child of `<user/>` that it belongs to, and its XML. */
interface GivenEntry {
  readonly name: string;
  readonly ns: string;
  readonly xml: string;
  readonly ordinal: number;
}

/** What came of an entry. `module_not_loaded`: nobody here keeps such data; `account`: there is no account for it. */
export type EntryOutcome =
  | PortableOutcome
  | { readonly code: 'module_not_loaded' | 'account'; readonly text: string };

/** What came of a part of a user's data: of the account, and of each entry in order. */
export interface ImportOutcome {
  readonly account: AccountOutcome;
  readonly entries: readonly EntryOutcome[];
}

/** Takes a part of one user's data. Each may be given again: what is there already stays as it is. */
export async function importUser(
  shard: Shard,
  { domain = '', input = {} }: CommandArgs,
): Promise<ImportOutcome> {
  const name = input['name'];
  const password = input['password'];
  if (typeof name !== 'string' || (password !== undefined && typeof password !== 'string'))
    throw new CommandError('bad_request', 'name and password are texts');
  const given = readEntries(input['entries']);
  const jid = makeJid(name, domain);
  if (jid === undefined || jid.local === '')
    throw new CommandError('invalid_jid', `not the name of a user: ${name}`);
  const { hostType } = accountOf(shard, jid.bare);
  const elements = given.map(({ xml }) => parseForeign(xml));

  const scram = given.flatMap(({ ns }, i) => (ns === NS_PIE_SCRAM && elements[i] !== undefined ? [i] : []));
  const offered = { password, elements: scram.map((i) => elements[i]!) };
  const { account, problems } = await takeAccount(shard, hostType, jid, offered);
  const outcomes = new Array<EntryOutcome>(given.length).fill({
    code: 'invalid',
    text: 'it is not acceptable as XML',
  });
  for (const [at, i] of scram.entries()) {
    const problem = problems[at];
    const isTaken = account === 'taken';
    outcomes[i] = problem !== undefined ? { code: 'invalid', text: problem } : isTaken ? 'taken' : 'known';
  }
  if (typeof account === 'object' && account.code === 'refused') {
    return { account, entries: outcomes.fill({ code: 'account', text: account.text }) };
  }
  const byPart = new Map<PortablePart, number[]>();
  for (const [i, { name: part, ns }] of given.entries()) {
    if (elements[i] === undefined || ns === NS_PIE_SCRAM) continue;
    const taker = shard.portableParts.find(hostType.name, part, ns);
    if (taker === undefined) outcomes[i] = { code: 'module_not_loaded', text: 'nobody keeps such data here' };
    else byPart.set(taker, [...(byPart.get(taker) ?? []), i]);
  }
  await Promise.all(
    [...byPart].map(async ([part, own]) => {
      const entries = own.map(
        (i): PortableEntry => ({ element: elements[i] as Element, ordinal: given[i]!.ordinal }),
      );
      const results = await part.write(jid, entries);
      for (const [at, i] of own.entries()) outcomes[i] = results[at]!;
    }),
  );
  return { account, entries: outcomes };
}

function readEntries(value: unknown): GivenEntry[] {
  if (!Array.isArray(value) || value.length > ENTRIES_MAX)
    throw new CommandError('bad_request', `entries must be an array of at most ${ENTRIES_MAX}`);
  return value.map((entry: unknown) => {
    const { name, ns, xml, ordinal } = (entry ?? {}) as Partial<GivenEntry>;
    if (
      typeof name !== 'string' ||
      typeof ns !== 'string' ||
      typeof xml !== 'string' ||
      typeof ordinal !== 'number'
    )
      throw new CommandError('bad_request', 'an entry has name, ns, xml and ordinal');
    return { name, ns, xml, ordinal };
  });
}
