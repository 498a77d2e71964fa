import type { Jid } from '../module.ts';
import type { Pool, SmStream } from './stream.ts';

/** Counts of ended sessions that are remembered. */
const STALE_MAX = 10_000;

interface Stale {
  readonly bare: string;
  readonly h: number;
  /** `performance.now()`. */
  readonly atMs: number;
}

/** The sessions of one host type on this shard that acknowledge. */
export class SmSessions implements Pool {
  readonly streams = new Set<SmStream>();
  /** Those that can be resumed, by their secret id. */
  readonly byId = new Map<string, SmStream>();
  /** Those that have lost their connection, the one that has waited longest first. */
  readonly detached = new Set<SmStream>();
  /** Those with too much in their queue. */
  readonly over = new Set<SmStream>();
  /** What all their queues take. */
  bytes = 0;
  readonly #stale = new Map<string, Stale>();

  /** A session acknowledges from now on. */
  add(stream: SmStream): void {
    this.streams.add(stream);
    if (stream.id !== undefined) this.byId.set(stream.id, stream);
    stream.handle.acknowledges(stream);
  }

  /** The session has ended, or is another shard's. */
  forget(stream: SmStream): void {
    if (stream.id !== undefined && this.byId.get(stream.id) === stream) this.byId.delete(stream.id);
    this.streams.delete(stream);
    this.detached.delete(stream);
    this.over.delete(stream);
    stream.replaceQueue([]);
    stream.endWaiting(false);
  }

  /** Forgets all of them. */
  clear(): void {
    for (const stream of this.streams) this.forget(stream);
  }

  /** Remembers how many stanzas an ended session has handled. */
  noteStale(id: string, bare: string, h: number): void {
    this.#stale.set(id, { bare, h, atMs: performance.now() });
    if (this.#stale.size > STALE_MAX) this.#stale.delete(this.#stale.keys().next().value!);
  }

  /** How many stanzas a session of this account had handled; undefined when that is not remembered. */
  staleCount(id: string, account: Jid): number | undefined {
    const stale = this.#stale.get(id);
    return stale?.bare === account.bare ? stale.h : undefined;
  }

  /** Forgets the counts of sessions that ended more than `ageMs` ago. */
  forgetStale(ageMs: number): void {
    const oldest = performance.now() - ageMs;
    for (const [id, { atMs }] of this.#stale) {
      if (atMs > oldest) break;
      this.#stale.delete(id);
    }
  }
}

/** By host type. They outlive a restart of the module with other options. */
const all = new Map<string, SmSessions>();

export function sessionsOf(hostType: string): SmSessions {
  let sessions = all.get(hostType);
  if (sessions === undefined) {
    sessions = new SmSessions();
    all.set(hostType, sessions);
  }
  return sessions;
}
