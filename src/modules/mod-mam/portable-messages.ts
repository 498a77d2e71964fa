import { createHash } from 'node:crypto';
import {
  type ArchivedMessage,
  type ArchiveRecord,
  ArchiveSide,
  type Jid,
  type ModuleContext,
  microsOfId,
  type PortableOutcome,
  stableIdNumber,
} from '../module.ts';
import type { MamOptions } from './options.ts';
import type { PortableMessage } from './portable.ts';
import { originIdOf } from './rules.ts';

export interface ImportOptions {
  readonly full_text_search: boolean;
}

/** What is there already is read so many messages at a time. */
const PAGE = 500;
/** Ids of messages that came from elsewhere: the part that says which shard made one, of which no server has that many. */
const FIRST_SHARD = 128;
/** How often another id is tried for a message whose id somebody else's message has. */
const TRIES = 5;
/** Messages of one user within a step of the file's clock keep their order by as many microseconds each. */
const SPREAD_MICROS = 1_000;
const NO_ROOM: PortableOutcome = { code: 'full', text: 'there is no room for it at its time' };

/** A message, and what it would be in the archive. */
interface Wanted {
  readonly message: PortableMessage;
  record: ArchiveRecord;
  isStored: boolean;
}

/**
 * Archives messages of files. What the archive has already, of that time and the same to the byte, is left alone. Ids that a Meerkat gave are kept, so that both sides of
 * a conversation share a message again; others get one of their time.
 */
export async function takeMessages(
  context: ModuleContext<MamOptions>,
  options: ImportOptions,
  user: Jid,
  messages: readonly PortableMessage[],
): Promise<PortableOutcome[]> {
  if (messages.length === 0) return [];
  const there = await existing(context, user, messages);
  const ids = messages.map(({ id }) => id).filter((id) => id !== undefined);
  const known = new Set<bigint>();
  if (ids.length > 0)
    for (const { id } of await context.store.request('archive_get', user.bare, ids)) known.add(id);
  const jitter = createHash('sha256').update(user.bare).digest();
  let last = latestBefore(there, messages[0]!);
  const wanted = messages.map((message): Wanted | undefined => {
    const end = message.micros + message.stepMicros;
    const found = there.get(keyOf(message.from.full, message.to.full, message.packet));
    const at = found?.findIndex((micros) => micros >= message.micros && micros < end) ?? -1;
    if (message.id !== undefined && known.has(message.id)) {
      last = Math.max(last, microsOfId(message.id));
      return undefined;
    }
    if (at >= 0) {
      last = Math.max(last, found![at]!);
      found!.splice(at, 1);
      return undefined;
    }
    const spread = message.stepMicros > SPREAD_MICROS ? jitter.readUInt16BE(0) % SPREAD_MICROS : 0;
    const micros =
      message.id === undefined ? Math.max(message.micros + spread, last + 1) : microsOfId(message.id);
    last = Math.max(last, micros);
    const shard =
      message.id === undefined
        ? FIRST_SHARD + (jitter[2]! % (256 - FIRST_SHARD))
        : Number(message.id & 0xffn);
    return { message, record: recordOf(options, user, message, micros, shard), isStored: false };
  });
  await store(
    context,
    options,
    user,
    wanted.filter((one) => one !== undefined),
  );
  return wanted.map((one) => (one === undefined ? 'known' : one.isStored ? 'taken' : NO_ROOM));
}

/** What came before in the same step of the file's clock: with the request before this one. */
function latestBefore(
  there: ReadonlyMap<string, readonly number[]>,
  { micros, stepMicros }: PortableMessage,
): number {
  let latest = 0;
  for (const times of there.values())
    for (const time of times)
      if (time >= micros && time < micros + stepMicros) latest = Math.max(latest, time);
  return latest;
}

/** Stores them, and looks whether they are there: a message whose id another one has is not. Those get other ids, a few times. */
async function store(
  context: ModuleContext<MamOptions>,
  options: ImportOptions,
  user: Jid,
  wanted: readonly Wanted[],
): Promise<void> {
  let missing = wanted;
  for (let i = 0; i < TRIES && missing.length > 0; i++) {
    await context.store.request(
      'archive_append',
      missing.map(({ record }) => record),
    );
    const ids = missing.map(({ record }) => stableIdNumber(record.micros, record.shard));
    const found = new Map<bigint, ArchivedMessage>();
    for (const one of await context.store.request('archive_get', user.bare, ids)) found.set(one.id, one);
    for (const [at, one] of missing.entries()) {
      const { message, record } = one;
      const own = found.get(ids[at]!);
      const { from, to } = message;
      // The other side's copy may differ in what was added on the way.
      const isOwnId = i === 0 && message.id !== undefined;
      one.isStored =
        own !== undefined &&
        own.from === from.full &&
        own.to === to.full &&
        (isOwnId || message.packet.equals(own.packet));
      if (!one.isStored)
        one.record = recordOf(options, user, message, record.micros + 1, nextShard(record.shard));
    }
    missing = missing.filter(({ isStored }) => !isStored);
  }
}

function nextShard(shard: number): number {
  return shard < FIRST_SHARD || shard === 255 ? FIRST_SHARD : shard + 1;
}

function recordOf(
  options: ImportOptions,
  user: Jid,
  { from, to, element, packet }: PortableMessage,
  micros: number,
  shard: number,
): ArchiveRecord {
  return {
    micros,
    shard,
    sides: from.bare === user.bare ? ArchiveSide.SENDER : ArchiveSide.RECIPIENT,
    from: from.full,
    to: to.full,
    packet,
    originId: originIdOf(element) ?? null,
    isGroupchat: element.attribute('type') === 'groupchat',
    isSearchable: options.full_text_search,
  };
}

/** The times of what the archive has around these messages, by what they are. */
async function existing(
  context: ModuleContext<MamOptions>,
  user: Jid,
  messages: readonly PortableMessage[],
): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  const start = messages.reduce((least, { micros }) => Math.min(least, micros), Number.POSITIVE_INFINITY);
  const end = messages.reduce((most, { micros, stepMicros }) => Math.max(most, micros + stepMicros), 0);
  let after: bigint | undefined;
  for (;;) {
    const page = await context.store.request('archive_page', {
      owner: user.bare,
      start,
      end,
      pageAfter: after,
      includeGroupchat: true,
      isBackward: false,
      isCounted: false,
      limit: PAGE,
    });
    for (const { id, from, to, packet } of page.messages) {
      const key = keyOf(from, to, packet);
      const times = found.get(key);
      if (times === undefined) found.set(key, [microsOfId(id)]);
      else times.push(microsOfId(id));
    }
    if (!page.hasMore) return found;
    after = page.messages.at(-1)!.id;
  }
}

function keyOf(from: string, to: string, packet: Uint8Array): string {
  return createHash('sha1').update(`${from}\n${to}\n`).update(packet).digest('latin1');
}
