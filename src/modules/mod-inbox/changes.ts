import {
  type Accumulator,
  forwardedMessage,
  GatheredWrites,
  type InboxChange,
  type Jid,
  type ModuleContext,
  othersCaughtUpSoon,
  type ReturnedConversation,
  type Stanza,
} from '../module.ts';
import type { InboxOptions } from './options.ts';

type Message = Extract<InboxChange, readonly ['message', ...unknown[]]>;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Of a change beside its message, about. */
const CHANGE_BYTES = 100;

/** Changes of inboxes on their way to the store: all of a turn of this shard in one request, several messages of one conversation as one change. */
export class Changes {
  readonly #context: ModuleContext<InboxOptions>;
  readonly #writes: GatheredWrites<'inbox_write'>;
  /** Whether an acknowledgement waits for changes. */
  readonly #isWaitedFor: boolean;
  readonly #returned: (conversation: ReturnedConversation) => void;
  /** Messages that are being gathered, by conversation: the last change of each. */
  #last = new Map<string, Mutable<Message>>();
  #lastOf: readonly InboxChange[] | undefined;

  /** `returned` hears of conversations that a message has brought back into the inbox. */
  constructor(context: ModuleContext<InboxOptions>, returned: (conversation: ReturnedConversation) => void) {
    this.#context = context;
    this.#returned = returned;
    this.#isWaitedFor = context.options.backend === 'rdbms';
    this.#writes = new GatheredWrites('inbox_write', {
      store: context.store,
      atTurnEnd: (callback) => context.atTurnEnd(callback),
      stored: (conversations) => conversations.forEach(this.#returned),
      lost: ([kind, domain, user, peer], cause) => {
        context.count('lost');
        const fields = { what: 'inbox_change_lost', kind, user: `${user}@${domain}`, peer };
        context.log.error(
          { err: cause, ...fields },
          'the store takes other changes of inboxes, but not this one',
        );
      },
    });
    context.onAnnouncement(() => this.flush());
    context.onStop(() => this.flush());
  }

  /** So much waits for the store that no more messages are taken. */
  get isFull(): boolean {
    return this.#writes.kept.isFull;
  }

  /** A message was not taken because of that. */
  noteRefused(): void {
    this.#writes.kept.noteRefused();
  }

  /** Messages should come slower. */
  get isBusy(): boolean {
    return this.#writes.kept.isBusy;
  }

  /** What was changed so far goes to the store before anything that this shard asks of it after this. */
  flush(): void {
    this.#writes.flush();
  }

  /** Resolves when what clients have got so far, from any shard, is on its way to the store before anything that is asked of it then. */
  async caughtUp(): Promise<void> {
    this.#writes.flush();
    await othersCaughtUpSoon(this.#context);
  }

  /** Resolves when so little waits for the store again that messages may come. */
  get calm(): Promise<void> {
    return this.#writes.kept.calm;
  }

  /**
   * A message of a conversation of `owner`, with its addresses as `owner` sees them. One that he has sent himself makes the conversation read.
   */
  message(
    acc: Accumulator,
    owner: Jid,
    peer: Jid,
    isOwn: boolean,
    stanza: Stanza = acc.stanza!,
    from: Jid = acc.from,
    to: Jid = acc.to,
  ): void {
    const content = forwardedMessage(stanza.toBuffer(from.wire, to.wire));
    const msgId = stanza.id ?? '';
    if (this.#lastOf !== this.#writes.gathering || this.#lastOf === undefined) this.#last.clear();
    const key = `${owner.bare}\n${peer.bare}`;
    const last = this.#last.get(key);
    // Behind what the user has sent comes a change of its own: what others have sent between the two must stay unread.
    if (last !== undefined && (isOwn || !last[7])) {
      const more = content.length - last[6].length;
      last[4] = acc.timestamp;
      last[5] = msgId;
      last[6] = content;
      last[7] = isOwn;
      last[8] = isOwn ? 0 : last[8] + 1;
      this.#committing(acc, this.#writes.grew(more));
      return;
    }
    const change: Mutable<Message> = [
      'message',
      owner.domain,
      owner.local,
      peer.bare,
      acc.timestamp,
      msgId,
      content,
      isOwn,
      isOwn ? 0 : 1,
    ];
    this.#committing(acc, this.#writes.add(change as Message, content.length + CHANGE_BYTES));
    const { gathering } = this.#writes;
    // What was gathered before may have left because this was too much.
    if (gathering !== this.#lastOf) this.#last.clear();
    this.#lastOf = gathering;
    this.#last.set(key, change);
  }

  /** Everything is read, if the last message is `msgId`, or not younger than `until`. */
  read(acc: Accumulator, owner: Jid, peer: Jid, msgId: string, until: number): void {
    const { domain, local } = owner;
    this.#add(acc, owner, peer, ['read', domain, local, peer.bare, acc.timestamp, msgId, until]);
  }

  /** The conversation goes, unless something is said after this. */
  remove(acc: Accumulator, owner: Jid, peer: Jid): void {
    this.#add(acc, owner, peer, ['remove', owner.domain, owner.local, peer.bare, acc.timestamp]);
  }

  #add(acc: Accumulator, owner: Jid, peer: Jid, change: InboxChange): void {
    // What comes later must not be put before it.
    this.#last.delete(`${owner.bare}\n${peer.bare}`);
    this.#committing(acc, this.#writes.add(change, CHANGE_BYTES));
  }

  #committing(acc: Accumulator, stored: Promise<void>): void {
    if (this.#isWaitedFor) this.#context.committing(acc, stored);
  }
}
