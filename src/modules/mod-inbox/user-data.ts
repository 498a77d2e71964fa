import {
  type Accumulator,
  type InboxPlace,
  type Jid,
  type ModuleContext,
  type PersonalData,
  utcMicros,
} from '../module.ts';
import type { InboxOptions } from './options.ts';

/** Rows read, or deleted, at a time. */
const STEP = 1_000;
const STEP_BYTES = 1_048_576;
const END = Number.MAX_SAFE_INTEGER;

/** Inboxes as data about somebody: to be exported, and deleted. */
export class UserData {
  readonly #context: ModuleContext<InboxOptions>;

  constructor(context: ModuleContext<InboxOptions>) {
    this.#context = context;
  }

  async removeUser(jid: Jid): Promise<undefined> {
    await this.#context.store.request('inbox_remove_user', jid.domain, jid.local);
  }

  async removeDomain(domain: string): Promise<void> {
    const limit = Math.min(STEP, this.#context.options.delete_domain_limit);
    while ((await this.#context.store.request('inbox_remove_domain', domain, limit)) > 0);
  }

  async export(data: readonly PersonalData[], jid: Jid): Promise<readonly PersonalData[]> {
    const rows: string[][] = [];
    for (const box of [null, 'bin']) {
      let above: InboxPlace = [-1, ''];
      for (let isMore = true; isMore; ) {
        const { conversations, hasMore } = await this.#context.store.request(
          'inbox_page',
          jid.domain,
          jid.local,
          {
            above,
            below: [END, ''],
            box,
            isUnreadOnly: false,
            isAscending: true,
            limit: STEP,
            bytesMax: STEP_BYTES,
          },
        );
        for (const { peer, content, unread, timestamp } of conversations) {
          rows.push([peer, Buffer.from(content).toString(), String(unread), utcMicros(timestamp)]);
          above = [timestamp, peer];
        }
        isMore = hasMore;
      }
    }
    return [...data, { name: 'inbox', columns: ['jid', 'content', 'unread_count', 'timestamp'], rows }];
  }

  /** How many messages of the conversation with the sender are unread, for who tells the user of a message (`inbox_unread_count`). */
  async unread(acc: Accumulator, user: Jid, flush: () => void): Promise<undefined> {
    if (acc.get('inbox', 'unread_count') !== undefined) return;
    const peer = acc.from.bare;
    // The message itself may be counted later in this turn.
    await Promise.resolve();
    flush();
    const stored = await this.#context.store.request('inbox_get', user.domain, user.local, peer);
    if (stored !== null) acc.set('inbox', 'unread_count', stored.unread);
  }
}
