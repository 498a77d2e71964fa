import { stop } from '../hooks/chain.ts';
import type { HostType } from '../hooks/host-type.ts';
import type { HookRegistry } from '../hooks/registry.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { ShardServices } from './services.ts';

/** Behind the modules, which may still look at what they keep. */
const VALUES_PRIORITY = 95;

/** What goes with an account, and with the data of a domain: the accounts themselves, and the values that modules keep under their names. */
export function registerDataHooks(
  registry: HookRegistry,
  hostType: HostType,
  services: () => ShardServices,
): void {
  const tag = hostType.name;

  const removeValues = async (jid: Jid): Promise<undefined> => {
    await services().store.request('value_remove_scope', jid.bare);
  };
  registry.add('remove_user', tag, VALUES_PRIORITY, 'values', (_acc, { jid }) => removeValues(jid));
  registry.add('anonymous_purge', tag, VALUES_PRIORITY, 'values', (_acc, { jid }) => removeValues(jid));

  registry.add('get_personal_data', tag, 10, 'ejabberd_auth', async (data, { jid }) => {
    const created = await services().store.request('account_created', jid.domain, jid.local);
    // Accounts may be kept elsewhere.
    const rows = created === null ? [] : [[jid.bare, new Date(created / 1_000).toISOString()]];
    return [...data, { name: 'account', columns: ['jid', 'created'], rows }];
  });
  registry.add('remove_domain', tag, 10, 'ejabberd_auth', async (removal, { domain }) => {
    try {
      await services().accounts.removeDomain(hostType, domain);
      return undefined;
    } catch (cause) {
      services().log.error({ err: cause, what: 'remove_domain_failed', domain }, 'accounts were not removed');
      return stop({ ...removal, failed: [...removal.failed, 'auth'] });
    }
  });
  registry.add('remove_domain', tag, VALUES_PRIORITY, 'values', async (removal, { domain }) => {
    try {
      await services().store.request('value_remove_domain', domain);
      return undefined;
    } catch (cause) {
      services().log.error({ err: cause, what: 'remove_domain_failed', domain }, 'values were not removed');
      return stop({ ...removal, failed: [...removal.failed, 'values'] });
    }
  });
}
