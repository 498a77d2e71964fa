import type { ShardHandle } from './shard-handle.ts';

/** Runs a command on one shard, any that is ready. Rejects when none is. */
export function askAny(shards: readonly ShardHandle[], command: string, args: unknown): Promise<unknown> {
  const shard = shards.find((candidate) => candidate.isReady);
  if (shard === undefined) return Promise.reject(new Error('no shard is ready'));
  return shard.request(command, args);
}

/** Runs a command on every shard that is ready. Shards that end meanwhile answer nothing; rejects when no shard has answered. */
export async function askAll(
  shards: readonly ShardHandle[],
  command: string,
  args: unknown,
): Promise<unknown[]> {
  const ready = shards.filter((shard) => shard.isReady);
  const results = await Promise.allSettled(ready.map((shard) => shard.request(command, args)));
  const rejected = results.filter((result) => result.status === 'rejected');
  if (rejected.length === results.length && rejected[0] !== undefined) throw rejected[0].reason;
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}
