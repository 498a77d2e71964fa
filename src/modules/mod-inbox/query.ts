import {
  type Damage,
  Element,
  Flag,
  type IqAnswer,
  type IqRequest,
  type ModuleContext,
  NO_REPLY,
  NS_CLIENT,
  NS_INBOX,
  type SessionHandle,
  Stanza,
  StanzaError,
  type StoredConversation,
} from '../module.ts';
import type { Changes } from './changes.ts';
import { BOXES, type InboxOptions } from './options.ts';
import { type InboxRequest, inboxForm, inboxRequest } from './query-form.ts';
import { addTo, extended, finElement, noTotals, readable, resultMessage, type Totals } from './result.ts';

/** Conversations, and bytes of messages, that are asked of the store and sent at a time. */
const CHUNK = 100;
const CHUNK_BYTES = 262_144;
/** A page that ends at a place is put together before it is sent: so many conversations and bytes at most. */
const BACKWARD_MAX = 1_000;
const BACKWARD_BYTES_MAX = 4_194_304;

/** Shows a user's clients the inbox. */
export class Query {
  readonly #context: ModuleContext<InboxOptions>;
  readonly #changes: Changes;
  readonly #damage: Damage;
  readonly #boxes: readonly string[];
  /** Sessions that a long answer is on its way to. */
  readonly #streaming = new Set<string>();

  constructor(context: ModuleContext<InboxOptions>, changes: Changes, damage: Damage) {
    this.#context = context;
    this.#damage = damage;
    this.#changes = changes;
    this.#boxes = [...BOXES, ...context.options.boxes];
  }

  /** A request in the namespace of the inbox. */
  answer(request: IqRequest): IqAnswer | Promise<IqAnswer> {
    const { from, to, type, payload } = request;
    if (from.bare !== to.bare) return new StanzaError('forbidden');
    if (type === 'get') {
      return payload.name === 'query' ? inboxForm(this.#boxes) : new StanzaError('bad-request');
    }
    if (payload.name === 'empty-bin') return this.#emptyBin(request);
    if (payload.name !== 'inbox') return new StanzaError('bad-request');
    const wanted = inboxRequest(payload, this.#boxes, this.#context.options.max_result_limit);
    if (wanted instanceof StanzaError) return wanted;
    const handle = this.#context.session(from);
    if (handle === undefined) return new StanzaError('not-allowed');
    if (this.#streaming.has(from.full)) {
      return new StanzaError('resource-constraint', 'An answer is on its way already');
    }
    return wanted.isBackward && wanted.limit < Number.POSITIVE_INFINITY
      ? this.#backward(request, wanted)
      : this.#forward(request, wanted, handle);
  }

  async #emptyBin({ to }: IqRequest): Promise<IqAnswer> {
    await this.#changes.caughtUp();
    const everything = Number.MAX_SAFE_INTEGER;
    const { store } = this.#context;
    const count = await store.request('inbox_empty_bin', to.domain, to.local, everything, everything);
    return Element.of('empty-bin', NS_INBOX, {}, Element.of('num', NS_INBOX, {}, String(count)));
  }

  /** The first chunk is sent at once; if there is more, the rest follows as fast as the client takes it, and other requests of the client need not wait for it. */
  async #forward(request: IqRequest, wanted: InboxRequest, handle: SessionHandle): Promise<IqAnswer> {
    await this.#changes.caughtUp();
    const totals = noTotals();
    const rest = await this.#chunk(request, wanted, handle, totals);
    if (rest === undefined) return finElement(totals, wanted.isPaged);
    request.acc.stanza?.retain();
    void this.#stream(request, rest, handle, totals);
    return NO_REPLY;
  }

  async #stream(
    request: IqRequest,
    first: InboxRequest,
    handle: SessionHandle,
    totals: Totals,
  ): Promise<void> {
    const { full } = request.from;
    this.#streaming.add(full);
    let answer: Element | StanzaError = finElement(totals, first.isPaged);
    try {
      for (let rest: InboxRequest | undefined = first; rest !== undefined; ) {
        const isDelivered = await new Promise<boolean>((resolve) => handle.afterDelivery(resolve));
        if (!isDelivered) return;
        rest = await this.#chunk(request, rest, handle, totals);
      }
      answer = finElement(totals, first.isPaged);
    } catch (cause) {
      this.#context.log.warn(
        { err: cause, what: 'inbox_read_failed', user: request.to.bare },
        'not all shown',
      );
      answer = new StanzaError('internal-server-error');
    } finally {
      this.#streaming.delete(full);
    }
    this.#reply(request, answer);
  }

  #reply({ acc, from, to, id }: IqRequest, answer: Element | StanzaError): void {
    if (answer instanceof StanzaError) {
      const error = acc.errorReply(answer);
      if (error !== undefined) void this.#context.route(error);
      return;
    }
    const result = Element.of('iq', NS_CLIENT, { type: 'result', id }, answer);
    void this.#context.route(acc.derive(Stanza.of(result), to, from));
  }

  /** Sends as much as may go at a time. Returns what is still wanted then. */
  async #chunk(
    request: IqRequest,
    wanted: InboxRequest,
    handle: SessionHandle,
    totals: Totals,
  ): Promise<InboxRequest | undefined> {
    if (wanted.limit === 0) return undefined;
    const limit = Math.max(1, Math.min(wanted.limit, CHUNK, handle.room));
    const { conversations, hasMore } = await this.#read(request, wanted, limit, CHUNK_BYTES);
    await this.#send(request, conversations, totals);
    const last = conversations.at(-1);
    const left = wanted.limit - conversations.length;
    if (!hasMore || last === undefined || left === 0) return undefined;
    const place = [last.timestamp, last.peer] as const;
    return wanted.isAscending
      ? { ...wanted, above: place, limit: left }
      : { ...wanted, below: place, limit: left };
  }

  /** The page that ends at a place: read from there, and sent the other way round. */
  async #backward(request: IqRequest, wanted: InboxRequest): Promise<IqAnswer> {
    await this.#changes.caughtUp();
    const totals = noTotals();
    if (wanted.limit > 0) {
      const reversed = { ...wanted, isAscending: !wanted.isAscending };
      const limit = Math.min(wanted.limit, BACKWARD_MAX);
      const { conversations } = await this.#read(request, reversed, limit, BACKWARD_BYTES_MAX);
      await this.#send(request, [...conversations].reverse(), totals);
    }
    return finElement(totals, true);
  }

  #read({ to }: IqRequest, wanted: InboxRequest, limit: number, bytesMax: number) {
    const { above, below, box, isUnreadOnly, isAscending } = wanted;
    const query = { above, below, box, isUnreadOnly, isAscending, limit, bytesMax };
    return this.#context.store.request('inbox_page', to.domain, to.local, query);
  }

  async #send(
    { acc, from, to, id, type, lang, payload }: IqRequest,
    conversations: readonly StoredConversation[],
    totals: Totals,
  ): Promise<void> {
    const iq = { id, type, lang, payload };
    const queryId = payload.attribute('queryid') ?? id;
    const now = this.#context.timestamp();
    const session = this.#context.session(from)?.params.sid;
    for (const one of conversations) addTo(totals, one);
    const shown = readable(this.#context, this.#damage, to.bareJid, conversations);
    for (const one of await extended(this.#context, shown, { acc, iq })) {
      const message = acc.derive(resultMessage(one, queryId, now), to, from);
      // For this session alone; and if it ends meanwhile, for nobody.
      message.receiverSid = session;
      message.addFlag(Flag.STORED);
      void this.#context.route(message);
    }
  }
}
