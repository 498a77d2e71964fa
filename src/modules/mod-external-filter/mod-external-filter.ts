import {
  type Accumulator,
  defineModule,
  type ModuleContext,
  Origin,
  STOP,
  type Verdict,
  type WebService,
  z,
} from '../module.ts';
import { decimalId, VERIFY_MESSAGE, verdictOf } from './verdict.ts';

const optionsSchema = z.strictObject({
  pool_tag: z.string().min(1).describe('The `[outgoing_pools.http.…]` of the service.'),
});

type Options = z.output<typeof optionsSchema>;

/** Asks a service outside whether a message may go. While it is asked the sender's own next stanzas wait, and nobody else's. If it does not answer, the message goes. */
export default defineModule<Options>({
  name: 'mod_external_filter',
  options: optionsSchema,
  dependencies: [{ module: 'mod_stanzaid' }],
  setup(context) {
    const filter = new ExternalFilter(context, context.http(context.options.pool_tag));
    context.hook('user_send_message', 3, (acc) => filter.check(acc), { hasEffects: true });
  },
});

class ExternalFilter {
  readonly #context: ModuleContext<Options>;
  readonly #service: WebService;

  constructor(context: ModuleContext<Options>, service: WebService) {
    this.#context = context;
    this.#service = service;
  }

  /** STOP: the message ends here, and its sender is not told. Messages without a text, and those of the administration, are not asked about. */
  check(acc: Accumulator): undefined | Promise<Verdict> {
    const stanza = acc.stanza!;
    if (acc.origin === Origin.ADMIN || !stanza.mayContain('body')) return undefined;
    const body = stanza.element.childText('body');
    return body === undefined ? undefined : this.#ask(acc, body);
  }

  /** Never rejects. */
  async #ask(acc: Accumulator, body: string): Promise<Verdict> {
    const variables = {
      body,
      rawData: acc.stanza!.toBuffer(acc.from.wire, acc.to.wire).toString(),
      externalId: decimalId(acc.get<string>('stable_stanza_id', 'value')),
      recipient: acc.to.full,
      sender: acc.from.full,
    };
    try {
      const { status, body: text } = await this.#service.request({
        method: 'POST',
        path: '',
        body: {
          type: 'application/graphql-response+json',
          text: JSON.stringify({ query: VERIFY_MESSAGE, variables }),
        },
        headers: { Accept: 'application/json' },
      });
      if (status === 200) return this.#decide(acc, text);
      const fields = { what: 'external_filter_server_error', status };
      this.#context.log.warn(fields, 'a message goes unchecked');
    } catch (cause) {
      const fields = { what: 'external_filter_call_crashed', cause: (cause as Error).message };
      this.#context.log.error(fields, 'a message goes unchecked');
    }
    this.#context.count('unanswered');
    return undefined;
  }

  #decide(acc: Accumulator, text: string): Verdict {
    const verdict = verdictOf(text);
    switch (verdict) {
      case 'allow':
        this.#context.count('allowed');
        return undefined;
      case 'block':
        this.#context.count('blocked');
        this.#context.outcome(acc, 'dropped');
        return STOP;
      default: {
        const fields = { what: 'external_filter_bad_request', verdict };
        this.#context.log.error(fields, 'a message goes unchecked');
        this.#context.count('unanswered');
        return undefined;
      }
    }
  }
}
