import {
  accountInput,
  CommandError,
  type CommandInput,
  elementsInput,
  type Failed,
  type Jid,
  type ModuleContext,
  NS_VCARD,
  writeForAccount,
} from '../module.ts';
import type { Cards } from './cards.ts';

/** Why `set_vcard` failed, in the codes of commands; all else is `store_unavailable`. */
const CODES = {
  'bad-request': 'bad_request',
  'policy-violation': 'limit_reached',
  'not-allowed': 'not_allowed',
} as const;

/** The commands of `meerkat vcard`. */
export function registerCommands(context: ModuleContext, cards: Cards): void {
  context.command('vcard_get', async (input) => {
    const user = await accountInput(context, input);
    const vcard = await cardOf(cards, user);
    if (vcard === null) throw new CommandError('nothing_stored', `${user.bare} has no vCard`);
    return { jid: user.bare, vcard };
  });
  context.command('vcard_set', (input) => set(context, cards, input));
}

async function cardOf(cards: Cards, user: Jid): Promise<string | null> {
  try {
    return await cards.get(user);
  } catch (cause) {
    throw new CommandError('store_unavailable', `cards cannot be looked up: ${(cause as Error).message}`);
  }
}

/** By way of `set_vcard`, so that whoever hears of new cards hears of this one. */
async function set(context: ModuleContext, cards: Cards, input: CommandInput): Promise<unknown> {
  const [vcard, ...more] = elementsInput(input, 'xml');
  if (vcard?.name !== 'vCard' || vcard.ns !== NS_VCARD || more.length > 0) {
    throw new CommandError('invalid_xml', `a card is one element <vCard xmlns='${NS_VCARD}'/>`);
  }
  const user = await accountInput(context, input);
  const outcome = await writeForAccount(
    context,
    user,
    async () => context.foldHook('set_vcard', { error: 'no_handler_defined' }, { user, vcard }),
    () => cards.remove(user),
  );
  if (outcome !== 'ok') throw refusal(user, outcome);
  return { jid: user.bare };
}

function refusal({ bare }: Jid, { error, text }: Failed): CommandError {
  const code = Object.entries(CODES).find(([condition]) => condition === error)?.[1] ?? 'store_unavailable';
  return new CommandError(code, `the card of ${bare} was not stored: ${text ?? error}`);
}
