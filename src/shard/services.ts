import type { C2s } from '../c2s/c2s.ts';
import type { Accumulator } from '../hooks/accumulator.ts';
import type { HookRegistry } from '../hooks/registry.ts';
import type { IqComponent } from '../local/iq-table.ts';
import type { Logger } from '../observe/log.ts';
import type { SessionManager } from '../sm/session-manager.ts';
import type { Store } from '../store/store.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { JidCache } from '../xmpp/jid-cache.ts';
import type { AccountService } from './accounts.ts';
import type { Asker } from './ask.ts';
import type { Components } from './components.ts';
import type { DryRun } from './dry-run.ts';
import type { PermanentKeys } from './permanent-keys.ts';
import type { Routing } from './routing.ts';
import type { Subhosts } from './subhosts.ts';

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
  readonly dryRun: DryRun;
  readonly keys: PermanentKeys;
  readonly product: { readonly name: string; readonly version: string };
  readonly registrationTimeoutMs: number;
  nextRef(): number;
  timestamp(): number;
  /** Work happens outside of a read: complete the turn. */
  touch(): void;
  hostsOf(hostType: string): readonly string[];
  /** The value of an access rule for a JID, in the context of a host. */
  access(rule: string, jid: Jid, host: string): string | number;
  knownDomains(
    hostType: string,
  ): { domain: string; kind: 'host' | 'subdomain' | 'component'; isHidden: boolean }[];
  featuresOf(hostType: string, component: IqComponent): string[];
  localSession(full: Jid): C2s | undefined;
  /** The full JIDs of an account's available sessions, on all shards. */
  availableResources(bare: Jid): Promise<Jid[]>;
  /** Tells all instances of a module, in all shards. */
  announceToModule(module: string, content: unknown): void;
  /** Hears announcements for a module. Returns how to stop hearing. */
  onAnnouncement(module: string, handler: (content: unknown) => void): () => void;
  /** Runs `resend_offline_messages` for a session and routes what it gives, before live stanzas go on. */
  resendOffline(c2s: C2s, acc: Accumulator): void;
  countFor(name: string, by: number): void;
}
