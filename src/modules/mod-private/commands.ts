import {
  accountInput,
  CommandError,
  type CommandInput,
  elementsInput,
  type ModuleContext,
  NS_PRIVATE,
  serialize,
  writeForAccount,
} from '../module.ts';
import { isStorable, store, stored } from './storage.ts';

/** The commands of `meerkat private`. */
export function registerCommands(context: ModuleContext): void {
  context.command('private_get', async (input) => {
    const namespace = input['namespace'];
    if (typeof namespace !== 'string' || namespace === '') {
      throw new CommandError('bad_request', 'namespace is missing');
    }
    const user = await accountInput(context, input);
    const found = (await stored(context, user, [namespace])).get(namespace);
    if (found === undefined) {
      throw new CommandError('nothing_stored', `${user.bare} keeps nothing under ${namespace}`);
    }
    return { jid: user.bare, namespace, xml: found.map((element) => serialize(element)).join('') };
  });
  context.command('private_set', (input) => set(context, input));
}

async function set(context: ModuleContext, input: CommandInput): Promise<unknown> {
  const elements = elementsInput(input, 'xml');
  const unfit = elements.find((element) => !isStorable(element, NS_PRIVATE));
  if (unfit !== undefined) {
    throw new CommandError(
      'invalid_xml',
      `<${unfit.name}/> needs a namespace of its own: it is kept under that`,
    );
  }
  const user = await accountInput(context, input);
  const { domain, local } = user;
  const refusal = await writeForAccount(
    context,
    user,
    () => store(context, user, elements),
    () => context.store.request('private_remove_user', domain, local),
  );
  if (refusal !== undefined) {
    throw new CommandError(
      'limit_reached',
      `nothing was stored for ${user.bare}: ${refusal.text ?? refusal.condition}`,
    );
  }
  return { jid: user.bare, namespaces: [...new Set(elements.map(({ ns }) => ns))] };
}
