import {
  Element,
  EMPTY_RESULT,
  type IqAnswer,
  type IqRequest,
  type Jid,
  type ModuleContext,
  NO_REPLY,
  NS_CLIENT,
  Stanza,
  StanzaError,
} from '../module.ts';
import type { RosterOptions } from './options.ts';
import type { Pushes } from './pushes.ts';
import { type Edit, itemOf, queryElement, readEdit, removedItem } from './roster-text.ts';
import type { Rosters } from './rosters.ts';
import type { Subscriptions } from './subscriptions.ts';

/** Requests of `jabber:iq:roster` (RFC 6121 §2). */
export class RosterIq {
  readonly #context: ModuleContext<RosterOptions>;
  readonly #rosters: Rosters;
  readonly #pushes: Pushes;
  readonly #subscriptions: Subscriptions;

  constructor(
    context: ModuleContext<RosterOptions>,
    rosters: Rosters,
    pushes: Pushes,
    subscriptions: Subscriptions,
  ) {
    this.#context = context;
    this.#rosters = rosters;
    this.#pushes = pushes;
    this.#subscriptions = subscriptions;
  }

  handle(request: IqRequest): IqAnswer | Promise<IqAnswer> {
    // Nobody learns from the answer whether the account exists (threat T68).
    if (request.from.bare !== request.to.bare) {
      return new StanzaError('forbidden', 'Only the user himself may see or change his roster');
    }
    if (request.type === 'set') return this.#set(request);
    const answer = this.#get(request);
    // Until its client has the roster, and pushes wait behind it, the session stays on this shard.
    this.#context.committing(request.acc, answer);
    return answer;
  }

  /** RFC 6121 §2.2, §2.6. The answer is sent from here, so that changes come behind it and not before. */
  async #get(request: IqRequest): Promise<IqAnswer> {
    const { acc, from, to, id, payload } = request;
    if (payload.name !== 'query') return new StanzaError('bad-request');
    this.#context.count('get');
    const session = this.#context.session(from)?.params;
    const view = session === undefined ? undefined : this.#pushes.asked(session);
    let version: number | undefined;
    try {
      const roster = await this.#rosters.read(acc, to);
      if (roster === undefined)
        return new StanzaError('internal-server-error', 'The roster cannot be read now');
      const wanted = this.#context.options.versioning ? payload.attribute('ver') : undefined;
      const result = Element.of('iq', NS_CLIENT, { type: 'result', id });
      if (wanted === undefined) result.children.push(queryElement(roster.items, undefined));
      else if (wanted !== roster.ver) result.children.push(queryElement(roster.items, roster.ver));
      await this.#context.route(acc.derive(Stanza.of(result), to, from));
      version = roster.version;
      return NO_REPLY;
    } finally {
      if (session !== undefined && view !== undefined) this.#pushes.got(session, view, version);
    }
  }

  /** RFC 6121 §2.3 to §2.5. */
  async #set(request: IqRequest): Promise<IqAnswer> {
    const { from, to, payload } = request;
    void this.#context.foldHook('roster_set', undefined, { from, to, subEl: payload });
    const user = to.bareJid;
    const edit = readEdit(this.#context, user, payload);
    if (edit instanceof StanzaError) return edit;
    this.#context.count('set');
    try {
      return edit.kind === 'remove'
        ? await this.#remove(request, user, edit.jid)
        : await this.#change(user, edit);
    } catch (cause) {
      this.#context.log.warn(
        { err: cause, what: 'roster_set_failed', user: user.bare },
        'roster not changed',
      );
      return new StanzaError('internal-server-error', 'The roster cannot be changed now');
    }
  }

  async #change(user: Jid, edit: Extract<Edit, { kind: 'set' }>): Promise<IqAnswer> {
    const { jid, name, groups, extra } = edit;
    const change = await this.#context.store.request(
      'roster_set',
      user.domain,
      user.local,
      { jid: jid.bare, name, groups, extra },
      this.#rosters.limits,
      this.#context.timestamp(),
      this.#rosters.hashes,
    );
    if (change === 'full')
      return new StanzaError('resource-constraint', 'The roster has no room for more contacts');
    const item = await this.#context.foldHook('roster_process_item', itemOf(this.#context, change.after!), {
      lserver: user.domain,
    });
    await this.#pushes.announce(user, change, item);
    return EMPTY_RESULT;
  }

  /** RFC 6121 §2.5.2: subscriptions end with the contact, in both directions. */
  async #remove({ acc }: IqRequest, user: Jid, jid: Jid): Promise<IqAnswer> {
    const change = await this.#context.store.request(
      'roster_remove',
      user.domain,
      user.local,
      jid.bare,
      this.#context.timestamp(),
      this.#rosters.hashes,
    );
    if (change === null) return new StanzaError('item-not-found', 'There is no such contact');
    await this.#subscriptions.cancel(acc, user, change.before!);
    await this.#pushes.announce(user, change, removedItem(jid));
    return EMPTY_RESULT;
  }
}
