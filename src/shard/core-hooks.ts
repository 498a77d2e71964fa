import type { HostAuth } from '../auth/auth.ts';
import type { AuthConfig } from '../config/config.ts';
import { STOP, type Verdict } from '../hooks/chain.ts';
import type { HostType } from '../hooks/host-type.ts';
import type { HookRegistry } from '../hooks/registry.ts';
import { registerAnonymousHooks } from './anonymous-hooks.ts';
import { registerDataHooks } from './data-hooks.ts';
import type { Existence } from './existence.ts';
import type { ShardServices } from './services.ts';

/** Handlers that belong to the server rather than to a module, under the names that MongooseIM's documentation gives them. */
export function registerCoreHooks(
  registry: HookRegistry,
  hostType: HostType,
  auth: () => HostAuth,
  config: () => AuthConfig,
  existence: Existence,
  services: () => ShardServices,
): void {
  const tag = hostType.name;
  registerAnonymousHooks(registry, hostType, auth, config, services);
  registerDataHooks(registry, hostType, services);

  registry.add('does_user_exist', tag, 50, 'ejabberd_auth', async (known, question) => {
    if (known) return known;
    const { jid, requestType } = question;
    if (requestType === 'with_anonymous')
      return auth().doesUserExist(jid.domain, jid.local, 'with_anonymous');
    existence.undecided(question);
    const answer = await auth().existence(jid.domain, jid.local);
    if (answer !== 'unknown') existence.decided(question);
    return answer === 'yes';
  });

  registry.add('disco_local_features', tag, 99, 'ejabberd_local', (acc) => {
    if (acc.node !== '') return undefined;
    return { ...acc, result: [...(acc.result ?? []), ...services().domains.featuresOf(tag, 'local')] };
  });

  registry.add('roster_in_subscription', tag, 20, 'ejabberd_sm', (acc, { to }) => {
    const exists = existence.has(hostType, to, 'stored');
    const refuse = (known: boolean): Verdict => {
      if (known) return undefined;
      acc.set('hook', 'result', false);
      return STOP;
    };
    return exists instanceof Promise ? exists.then(refuse) : refuse(exists);
  });
}
