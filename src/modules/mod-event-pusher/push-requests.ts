import {
  EMPTY_RESULT,
  type IqAnswer,
  type IqRequest,
  type Jid,
  type ModuleContext,
  NS_DATA_FORMS,
  NS_PUBLISH_OPTIONS,
  type PushSubscription,
  StanzaError,
  submittedFields,
} from '../module.ts';
import type { PushServices } from './push-services.ts';

/** Longer than any address (RFC 7622 §3.1), as which some services make their nodes. */
const NODE_BYTES_MAX = 3_071;
const FIELDS_MAX = 32;
/** Names and values of the publish options together. */
const FORM_BYTES_MAX = 8_192;

/** What clients ask for (XEP-0357 §5 and §6): notifications on, and off. */
export class PushRequests {
  readonly #context: ModuleContext;
  readonly #services: PushServices;

  constructor(context: ModuleContext, services: PushServices) {
    this.#context = context;
    this.#services = services;
  }

  /** Answers a request to the server, or to the account. */
  answer(request: IqRequest): IqAnswer | Promise<IqAnswer> {
    const { type, from, to, payload } = request;
    if (type === 'get') return new StanzaError('not-allowed');
    const isOwn = to.local === '' || to.bare === from.bare;
    if (!isOwn || from.local === '' || !this.#context.hosts.includes(from.domain))
      return new StanzaError('forbidden');
    const service = this.#serviceOf(payload.attribute('jid'));
    const node = payload.attribute('node');
    if (service === undefined || node === '') return new StanzaError('bad-request');
    switch (payload.name) {
      case 'enable':
        return this.#enable(request, service.bare, node);
      case 'disable':
        return this.#disable(from, service.bare, node ?? null);
      default:
        return new StanzaError('bad-request');
    }
  }

  #serviceOf(text: string | undefined): Jid | undefined {
    return text === undefined ? undefined : this.#context.jid(text)?.bareJid;
  }

  async #enable({ from, payload }: IqRequest, service: string, node: string | undefined): Promise<IqAnswer> {
    if (node === undefined || Buffer.byteLength(node) > NODE_BYTES_MAX) return new StanzaError('bad-request');
    const element = payload.child('x', NS_DATA_FORMS);
    const form = element === undefined ? null : publishOptions(submittedFields(element));
    if (form === undefined) return new StanzaError('bad-request');
    const subscription: PushSubscription = { service, node, form };
    const result = await this.#services.enable(from, subscription);
    switch (result) {
      case 'ok':
        return EMPTY_RESULT;
      case 'full':
        return new StanzaError('resource-constraint', 'Too many push services are enabled');
      default:
        return new StanzaError('service-unavailable');
    }
  }

  async #disable(user: Jid, service: string, node: string | null): Promise<IqAnswer> {
    await this.#services.disable(user.bareJid, service, node, user);
    return EMPTY_RESULT;
  }
}

/** Fields and their values; undefined for a form that is something else, or has a field with none or several values. */
function publishOptions(
  fields: ReadonlyMap<string, readonly string[]> | undefined,
): readonly (readonly [string, string])[] | undefined {
  if (fields?.get('FORM_TYPE')?.[0] !== NS_PUBLISH_OPTIONS || fields.size > FIELDS_MAX) return undefined;
  const options: [string, string][] = [];
  let bytes = 0;
  for (const [name, values] of fields) {
    const [value] = values;
    if (value === undefined || values.length > 1) return undefined;
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
    if (name !== 'FORM_TYPE') options.push([name, value]);
  }
  return bytes > FORM_BYTES_MAX ? undefined : options;
}
