import { Accumulator } from '../hooks/accumulator.ts';
import type { HostType } from '../hooks/host-type.ts';
import { foldHook, runHook } from '../hooks/run.ts';
import type { Store } from '../store/store.ts';
import type { JidCache } from '../xmpp/jid-cache.ts';
import type { HostTypes } from './host-types.ts';

/** A session of a shard that died, as the main thread read it from the directory. */
export interface LostSession {
  readonly jid: string;
  readonly number: number;
  readonly time: number;
}

/** A shard that died. */
export interface LostShard {
  readonly shard: number;
  /** When, in microseconds since the epoch. */
  readonly diedAt: number;
  readonly sessions: readonly LostSession[];
}

export interface CleanUpSurroundings {
  readonly globals: HostTypes['globals'];
  readonly jids: JidCache;
  readonly store: Store;
  hostTypes(): Iterable<HostType>;
  hostTypeOf(domain: string): HostType | undefined;
  nextRef(): number;
  timestamp(): number;
}

/**
 * Another shard died: cleans up for it (`node_cleanup` and its companions), and for each of its sessions (`session_cleanup`). Without `diedAt`
 * (microseconds since the epoch) only these sessions are lost, on their way to another shard.
 */
export async function cleanUpAfter(
  shard: number,
  sessions: readonly LostSession[],
  diedAt: number | undefined,
  around: CleanUpSurroundings,
): Promise<void> {
  const { globals, jids, store } = around;
  const node = `shard ${shard}`;
  if (diedAt !== undefined) {
    // Not what the shard that takes its place has claimed meanwhile: its sessions are younger.
    await store.request('release_shard', shard, diedAt).catch(() => {});
    await foldHook(globals, 'node_cleanup', {}, { node });
  }
  for (const hostType of around.hostTypes()) {
    const own = sessions
      .map(({ jid, number, time }) => ({ jid: jids.trusted(jid), sid: { shard, number, time } }))
      .filter(({ jid }) => around.hostTypeOf(jid.domain) === hostType);
    if (diedAt !== undefined) await foldHook(hostType, 'node_cleanup_for_host_type', {}, { node });
    await foldHook(hostType, 'sessions_cleanup', undefined, { sessions: own });
    for (const { jid, sid } of own) {
      const [ref, timestamp] = [around.nextRef(), around.timestamp()];
      const acc = new Accumulator(ref, timestamp, 0, hostType, jid.domain, undefined, jid, jid);
      await runHook(hostType, 'session_cleanup', acc, { jid, sid });
    }
  }
}
