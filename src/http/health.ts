import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Unreadiness } from '../observe/readiness.ts';

/** What the health endpoints ask. */
export interface HealthSource {
  /** Shards whose event loop has stopped for good. */
  deadShards(): readonly number[];
  /** Why the server is not ready; empty when it is. */
  unreadiness(): readonly Unreadiness[];
}

/**
 * `/livez`: the process is worth keeping; that this answers shows that the main loop turns. `/readyz`: send clients here. Not ready is not
 * dead: whoever restarts a server because it is not ready makes an outage of a hiccup.
 */
export function addHealthRoutes(app: FastifyInstance, source: HealthSource): void {
  app.get('/livez', (_request, reply) => {
    const dead = source.deadShards();
    return answer(
      reply,
      dead.map((shard) => `shard ${shard} does not answer`),
    );
  });
  app.get('/readyz', (_request, reply) => answer(reply, source.unreadiness()));
}

function answer(reply: FastifyReply, reasons: readonly string[]): FastifyReply {
  const isWell = reasons.length === 0;
  return reply
    .code(isWell ? 200 : 503)
    .header('cache-control', 'no-store')
    .send({ status: isWell ? 'ok' : 'unavailable', reasons });
}
