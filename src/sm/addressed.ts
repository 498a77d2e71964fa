import type { Accumulator } from '../hooks/accumulator.ts';
import type { SessionId } from '../hooks/session.ts';
import { NO_PRIORITY, type SessionList } from '../memory/directory.ts';

/**
 * Which sessions a message to a bare JID, or to a resource that is gone, went to, for modules that act on it once for all of them: whoever sends copies to the others (XEP-0280 §7) must
 * leave these out. It is noted when the message is routed, for priorities may be others by the time that it arrives; only where a session of the
 * account has flags, or somebody asked for it ({@link wantAddressed}).
 */

/** Has the sessions of a message noted. */
export function wantAddressed(acc: Accumulator): void {
  acc.setPermanent('sm', 'want_addressed', true);
}

/** Whether somebody wants them noted. Most stanzas have no key at all, and cost no look-up. */
export function wantsAddressed(acc: Accumulator): boolean {
  return acc.permanentKeys() !== undefined && acc.get('sm', 'want_addressed') === true;
}

/** Notes the sessions in `list` of at least that priority. */
export function noteAddressed(acc: Accumulator, list: SessionList, lowest: number): void {
  const addressed: (string | number)[] = [acc.to.bare];
  for (let i = 0; i < list.length; i++) {
    if (list.priority[i]! < lowest || list.priority[i] === NO_PRIORITY) continue;
    addressed.push(list.shard[i]!, list.number[i]!);
  }
  acc.setPermanent('sm', 'addressed', addressed);
}

/** A session that is among those of a message has moved to another shard while the message was under way to it. */
export function addressedMoved(acc: Accumulator, from: SessionId, to: SessionId): void {
  const list = acc.get<readonly (string | number)[]>('sm', 'addressed');
  if (list === undefined) return;
  const changed = [...list];
  for (let i = 1; i < list.length; i += 2) {
    if (list[i] !== from.shard || list[i + 1] !== from.number) continue;
    changed[i] = to.shard;
    changed[i + 1] = to.number;
  }
  acc.setPermanent('sm', 'addressed', changed);
}

/** What a session knows of the others that a message went to. */
export interface Addressed {
  /** Whether this is the one session that acts for all. */
  readonly isFirst: boolean;
  has(shard: number, number: number): boolean;
}

const ALONE: Addressed = { isFirst: true, has: () => false };

/** The sessions that a message went to, as one of them sees it. */
export function addressedWith(acc: Accumulator, { shard, number }: SessionId): Addressed {
  // The address may have a resource: a chat to one that is gone went where the account's messages go (RFC 6121 §8.5.3.2).
  const list = acc.get<readonly (string | number)[]>('sm', 'addressed');
  if (list === undefined || list[0] !== acc.to.bare) return ALONE;
  const has = (s: number, n: number): boolean => {
    for (let i = 1; i < list.length; i += 2) if (list[i] === s && list[i + 1] === n) return true;
    return false;
  };
  // It may have come here some other way since: out of storage, say.
  return { isFirst: (list[1] === shard && list[2] === number) || !has(shard, number), has };
}
