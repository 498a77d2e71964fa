import {
  blankForm,
  type Damage,
  Element,
  EMPTY_RESULT,
  type IqAnswer,
  type IqRequest,
  type ModuleContext,
  NS_DATA_FORMS,
  NS_INBOX_CONVERSATION,
  StanzaError,
} from '../module.ts';
import type { Changes } from './changes.ts';
import { BOXES, type InboxOptions } from './options.ts';
import { propertyElements, tellProperties } from './properties.ts';
import { extended, forwardedElement, readable } from './result.ts';

/** Longest that a conversation may be muted: a hundred years. */
const MUTE_SECONDS_MAX = 3_153_600_000;

/** What a client wants to change; null: stays as it is. */
interface Wanted {
  readonly box: string | null;
  readonly muteSeconds: number | null;
  readonly isRead: boolean | null;
}

/** Properties of a single conversation: its box, whether it is read, until when it is muted. */
export class Conversation {
  readonly #context: ModuleContext<InboxOptions>;
  readonly #changes: Changes;
  readonly #damage: Damage;
  readonly #boxes: readonly string[];

  constructor(context: ModuleContext<InboxOptions>, changes: Changes, damage: Damage) {
    this.#context = context;
    this.#damage = damage;
    this.#changes = changes;
    this.#boxes = [...BOXES, ...context.options.boxes];
  }

  /** A request in the namespace of single conversations. */
  answer(request: IqRequest): IqAnswer | Promise<IqAnswer> {
    const { from, to, type, payload } = request;
    if (from.bare !== to.bare) return new StanzaError('forbidden');
    const isReset = type === 'set' && payload.name === 'reset';
    if (!isReset && payload.name !== 'query') return new StanzaError('bad-request', 'bad-request');
    const text = payload.attribute('jid');
    if (text === undefined) {
      return type === 'get' ? this.#form() : new StanzaError('bad-request', 'jid-required');
    }
    const peer = this.#context.jid(text);
    if (peer === undefined) return new StanzaError('bad-request', 'invalid-jid');
    if (isReset) return this.#reset(request, peer.bare);
    if (type === 'get') return this.#get(request, peer.bare);
    const wanted = wantedOf(payload, this.#boxes);
    return wanted instanceof StanzaError ? wanted : this.#set(request, peer.bare, wanted);
  }

  #form(): Element {
    const form = blankForm(NS_INBOX_CONVERSATION, 'Conversation', 'What can be said of a conversation', [
      { name: 'archive', type: 'boolean', values: ['false'] },
      { name: 'read', type: 'boolean', values: ['false'] },
      { name: 'mute', type: 'text-single', values: ['0'] },
      { name: 'box', type: 'list-single', values: ['inbox'] },
    ]);
    const box = form.elements().find((field) => field.attribute('var') === 'box')!;
    for (const name of this.#boxes) {
      const value = Element.of('value', NS_DATA_FORMS, {}, name);
      box.children.push(Element.of('option', NS_DATA_FORMS, { label: name }, value));
    }
    return Element.of('query', NS_INBOX_CONVERSATION, {}, form);
  }

  async #get({ acc, to, id, type, lang, payload }: IqRequest, peer: string): Promise<IqAnswer> {
    await this.#changes.caughtUp();
    const stored = await this.#context.store.request('inbox_get', to.domain, to.local, peer);
    if (stored === null) return new StanzaError('item-not-found');
    const answer = Element.of('query', NS_INBOX_CONVERSATION);
    let shown = stored;
    const complete = payload.attribute('complete');
    if (complete === 'true' || complete === '1') {
      const iq = { id, type, lang, payload };
      const sound = readable(this.#context, this.#damage, to.bareJid, [stored]);
      const all = await extended(this.#context, sound, { acc, iq });
      if (all.length !== 1) return new StanzaError('internal-server-error');
      shown = all[0]!;
      answer.children.push(forwardedElement(shown));
    }
    answer.children.push(...propertyElements(shown, this.#context.timestamp()));
    return answer;
  }

  async #set({ to, id, payload }: IqRequest, peer: string, wanted: Wanted): Promise<IqAnswer> {
    await this.#changes.caughtUp();
    const { box, muteSeconds, isRead } = wanted;
    const now = this.#context.timestamp();
    const mutedUntil = muteSeconds === null ? null : muteSeconds === 0 ? 0 : now + muteSeconds * 1_000_000;
    const { store } = this.#context;
    const properties = await store.request('inbox_set', to.domain, to.local, peer, box, mutedUntil, isRead);
    if (properties === null) return new StanzaError('item-not-found');
    await tellProperties(this.#context, to, peer, properties, payload.attribute('queryid') ?? id);
    return EMPTY_RESULT;
  }

  /** As clients did before there were properties: nobody else is told. */
  async #reset({ to }: IqRequest, peer: string): Promise<IqAnswer> {
    await this.#changes.caughtUp();
    await this.#context.store.request('inbox_set', to.domain, to.local, peer, null, null, true);
    return new Element('reset', NS_INBOX_CONVERSATION);
  }
}

function wantedOf(query: Element, boxes: readonly string[]): Wanted | StanzaError {
  let [box, archive, muteSeconds, isRead]: [
    string | undefined,
    string | undefined,
    number | null,
    boolean | null,
  ] = [undefined, undefined, null, null];
  const children = query.elements();
  if (children.length === 0) return new StanzaError('bad-request', 'no-property');
  for (const child of children) {
    const text = child.text();
    if (child.ns !== NS_INBOX_CONVERSATION) return bad();
    switch (child.name) {
      case 'box':
        if (!boxes.includes(text)) return new StanzaError('bad-request', 'invalid-box');
        box = text;
        break;
      case 'archive':
        if (text !== 'true' && text !== 'false') return bad();
        archive = text === 'true' ? 'archive' : 'inbox';
        break;
      case 'read':
        if (text !== 'true' && text !== 'false') return bad();
        isRead = text === 'true';
        break;
      case 'mute':
        if (!/^[0-9]{1,10}$/.test(text) || Number(text) > MUTE_SECONDS_MAX) return bad();
        muteSeconds = Number(text);
        break;
      default:
        return bad();
    }
  }
  return { box: box ?? archive ?? null, muteSeconds, isRead };
}

function bad(): StanzaError {
  return new StanzaError('bad-request', 'bad-request');
}
