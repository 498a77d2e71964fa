import type { Accumulator, Jid, ModuleContext, PersonalData } from '../module.ts';
import type { RosterOptions } from './options.ts';
import type { Subscriptions } from './subscriptions.ts';

const COLUMNS = ['jid', 'name', 'subscription', 'ask', 'approved', 'groups', 'askmessage', 'xs'] as const;

/** What happens to a roster when its user goes, and what he may ask for. */
export class UserData {
  readonly #context: ModuleContext<RosterOptions>;
  readonly #subscriptions: Subscriptions;

  constructor(context: ModuleContext<RosterOptions>, subscriptions: Subscriptions) {
    this.#context = context;
    this.#subscriptions = subscriptions;
  }

  /** The account is gone: so is its roster, and its contacts are told. */
  async remove(acc: Accumulator, user: Jid): Promise<undefined> {
    const contacts = await this.#context.store.request('roster_remove_user', user.domain, user.local);
    for (const contact of contacts) await this.#subscriptions.cancel(acc, user, contact);
    return undefined;
  }

  async personalData(data: readonly PersonalData[], user: Jid): Promise<readonly PersonalData[]> {
    const { contacts } = await this.#context.store.request('roster_get', user.domain, user.local);
    const rows = contacts.map(({ jid, name, subscription, ask, isApproved, groups, askMessage, extra }) => [
      jid,
      name,
      subscription,
      ask,
      isApproved ? 'true' : '',
      groups.join('\n'),
      askMessage,
      extra,
    ]);
    return [...data, { name: 'roster', columns: COLUMNS, rows }];
  }
}
