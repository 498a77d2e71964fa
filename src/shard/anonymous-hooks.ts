import type { HostAuth } from '../auth/auth.ts';
import type { AuthConfig } from '../config/config.ts';
import { Accumulator, Origin } from '../hooks/accumulator.ts';
import { STOP } from '../hooks/chain.ts';
import type { HostType } from '../hooks/host-type.ts';
import type { HookRegistry } from '../hooks/registry.ts';
import { foldHook, runHook } from '../hooks/run.ts';
import type { ConnectionInfo } from '../hooks/session.ts';
import type { Jid } from '../xmpp/jid.ts';
import { isOlder, isSameSession, type SessionId } from '../xmpp/session-id.ts';
import type { ShardServices } from './services.ts';

/** The name that MongooseIM's documentation gives these handlers. */
const MODULE = 'ejabberd_auth_anonymous';

function isAnonymous(info: ConnectionInfo): boolean {
  return info.authMethod === 'anonymous';
}

/** Users who exist as long as they are logged in: one session to a name unless configured otherwise, and nothing left behind. */
export function registerAnonymousHooks(
  registry: HookRegistry,
  hostType: HostType,
  auth: () => HostAuth,
  config: () => AuthConfig,
  services: () => ShardServices,
): void {
  const tag = hostType.name;
  const isExclusive = (): boolean => !config().anonymous.allowMultipleConnections;
  const isOnline = (jid: Jid): boolean => services().sm.find(jid.bareJid).length > 0;

  registry.add('user_open_session', tag, 10, MODULE, (acc, { info }) => {
    return isAnonymous(info) && isExclusive() && isOnline(acc.from) ? STOP : undefined;
  });

  registry.add('sm_register_connection', tag, 100, MODULE, (_nothing, { sid, jid, info }) => {
    if (!isAnonymous(info)) return undefined;
    if (isExclusive()) keepNewest(services(), jid, sid);
    services().countFor('auth_anonymous_register_user', 1);
    void foldHook(hostType, 'register_user', undefined, { jid: jid.bareJid });
    return undefined;
  });

  registry.add('sm_remove_connection', tag, 100, MODULE, (_acc, { jid, info }) => {
    if (isAnonymous(info) && !isOnline(jid)) purge(services(), hostType, jid.bareJid);
    return undefined;
  });

  // The sessions of a shard that died: how they had logged in, only the shard knew. A name without an account was an anonymous one.
  registry.add('session_cleanup', tag, 50, MODULE, async (_acc, { jid }) => {
    if (!config().methods.includes('anonymous') || isOnline(jid)) return undefined;
    if ((await auth().existence(jid.domain, jid.local)) === 'no') purge(services(), hostType, jid.bareJid);
    return undefined;
  });
}

/** Two who logged in under one name at the same moment, on two shards: both see it here, and agree who stays. */
function keepNewest({ sm }: ShardServices, jid: Jid, sid: SessionId): void {
  for (const other of sm.sessionsOf(jid.bareJid)) {
    if (isSameSession(other, sid)) continue;
    const loser = isOlder(other, sid) ? other : sid;
    // Not while the session is being opened.
    queueMicrotask(() => sm.closeSession(loser, jid.bare, 'replaced', 'Replaced by new connection'));
  }
}

function purge(services: ShardServices, hostType: HostType, jid: Jid): void {
  services.countFor('auth_anonymous_unregister_user', 1);
  const acc = new Accumulator(
    services.nextRef(),
    services.timestamp(),
    Origin.NONE,
    hostType,
    jid.domain,
    undefined,
    jid,
    jid,
  );
  void runHook(hostType, 'anonymous_purge', acc, { jid });
}
