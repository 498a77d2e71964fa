import { C2s } from '../c2s/c2s.ts';
import { REMOVAL_WAIT_MS_MAX } from '../limits.ts';
import type { SessionManager } from '../sm/session-manager.ts';
import { within } from '../util/within.ts';
import type { JidCache } from '../xmpp/jid-cache.ts';
import type { Connections } from './connections.ts';
import type { Existence } from './existence.ts';
import type { Fences } from './fences.ts';
import type { Notices } from './notices.ts';
import type { Removals } from './removals.ts';

export interface RemovedAccountsSurroundings {
  readonly notices: Notices;
  readonly existence: Existence;
  readonly fences: Fences;
  readonly removals: Removals;
  readonly connections: Connections;
  readonly jids: JidCache;
  readonly sm: SessionManager;
  monotonicMs(): number;
  streams(): C2s[];
  touch(): void;
}

/** Follows which accounts there are: hears of those that come and go, on whichever shard that is done. */
export function followAccounts(around: RemovedAccountsSurroundings): void {
  const { notices, existence } = around;
  notices.on('user_registered', (bare) => existence.forget(bare as string));
  notices.on('user_removed', (bare) => accountRemoved(bare as string, around));
  notices.on('accounts_removed', (domain) => accountsRemoved(domain as string, around));
}

/** An account is gone, and its data go now: its sessions end after that, and must not write new ones before. */
function accountRemoved(bare: string, around: RemovedAccountsSurroundings): void {
  const { existence, removals, connections, jids, sm, fences } = around;
  existence.forget(bare);
  removals.add(bare, around.monotonicMs());
  connections.dropStrangers(bare);
  const jid = jids.trusted(bare);
  const handling: Promise<unknown>[] = [];
  for (const { shard, number } of sm.sessionsOf(jid)) {
    const c2s = shard === sm.shard ? sm.here(number, jid, true) : undefined;
    if (!(c2s instanceof C2s)) continue;
    c2s.ignoresInput = true;
    if (c2s.handling !== undefined) handling.push(c2s.handling);
  }
  if (handling.length > 0) fences.hold(bare, within(Promise.all(handling), REMOVAL_WAIT_MS_MAX));
}

function accountsRemoved(domain: string, around: RemovedAccountsSurroundings): void {
  const { existence, removals } = around;
  existence.clear();
  removals.add(domain, around.monotonicMs());
  for (const c2s of around.streams()) {
    if (!c2s.isAuthenticated || c2s.jid.domain !== domain) continue;
    c2s.closeWithConflict('kicked', 'The data of the domain were removed', undefined);
  }
  around.touch();
}
