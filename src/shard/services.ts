import type { ShaperConfig } from '../config/config.ts';
import type { HookRegistry } from '../hooks/registry.ts';
import type { Logger } from '../observe/log.ts';
import type { LdapPool } from '../outgoing/ldap-pool.ts';
import type { SessionManager } from '../sm/session-manager.ts';
import type { Store } from '../store/store.ts';
import type { JidCache } from '../xmpp/jid-cache.ts';
import type { AccountService } from './accounts.ts';
import type { Asker } from './ask.ts';
import type { Components } from './components.ts';
import type { Domains } from './domains.ts';
import type { DryRun } from './dry-run.ts';
import type { ModuleCommands } from './module-commands.ts';
import type { ModuleMechanisms } from './module-mechanisms.ts';
import type { Notices } from './notices.ts';
import type { PermanentKeys } from './permanent-keys.ts';
import type { PortableParts } from './portable-parts.ts';
import type { Revocations } from './revocations.ts';
import type { Routing } from './routing.ts';
import type { Sessions } from './sessions.ts';
import type { StoredMessages } from './stored-messages.ts';
import type { Subhosts } from './subhosts.ts';
import type { TakeOvers } from './take-overs.ts';

/** What the parts of a shard that run modules need of it. */
export interface ShardServices {
  readonly shard: number;
  readonly log: Logger;
  readonly registry: HookRegistry;
  readonly routing: Routing;
  readonly subhosts: Subhosts;
  readonly components: Components;
  readonly sm: SessionManager;
  readonly jids: JidCache;
  readonly store: Store;
  readonly asker: Asker;
  readonly accounts: AccountService;
  readonly domains: Domains;
  readonly dryRun: DryRun;
  readonly keys: PermanentKeys;
  readonly mechanisms: ModuleMechanisms;
  readonly notices: Notices;
  readonly moduleCommands: ModuleCommands;
  readonly portableParts: PortableParts;
  readonly revocations: Revocations;
  readonly sessions: Sessions;
  readonly storedMessages: StoredMessages;
  readonly takeOvers: TakeOvers;
  readonly product: { readonly name: string; readonly version: string };
  readonly registrationTimeoutMs: number;
  /** Random, and the same for all shards until the server stops. */
  readonly runSecret: Uint8Array;
  /** The pool `[outgoing_pools.ldap.TAG]` of a host type. Throws if there is none. */
  ldapPool(hostType: string, tag: string): LdapPool;
  nextRef(): number;
  timestamp(): number;
  /** Work happens outside of a read: complete the turn. */
  touch(): void;
  /** Calls back at the end of this turn, before what it led to leaves. */
  atTurnEnd(callback: () => void): void;
  /** The shaper of that name. */
  shaper(name: string): ShaperConfig | undefined;
  countFor(name: string, by: number): void;
}
