import {
  defineModule,
  type FlatForm,
  type ModuleContext,
  type Outcome,
  pathSegment,
  stop,
  z,
} from '../module.ts';
import { gatewayBody } from './gateway-request.ts';

const optionsSchema = z.strictObject({
  pool_name: z
    .string()
    .min(1)
    .default('mongoose_push_http')
    .describe('The `[outgoing_pools.http.…]` of the gateway.'),
  api_version: z.enum(['v2', 'v3']).default('v3').describe('The version of the gateway’s API.'),
  max_http_connections: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe(
      'Requests of each shard under way at once. Further ones fail. The connections are those of the pool.',
    ),
});

type Options = z.output<typeof optionsSchema>;

const SERVICES: ReadonlySet<string | undefined> = new Set(['apns', 'fcm']);
const NOT_REGISTERED: Outcome = { error: 'device_not_registered' };

/** Hands push notifications to a gateway of MongoosePush's API, which knows Apple's and Google's services. It stands for the virtual hosts of mod_event_pusher. */
export default defineModule<Options>({
  name: 'mod_push_service_mongoosepush',
  options: optionsSchema,
  setup(context) {
    const gateway = new Gateway(context);
    context.hook(
      'push_notifications',
      10,
      async (outcome, { notificationForms, options }) => {
        for (const form of notificationForms) {
          const result = await gateway.notify(form, options);
          if (result !== 'ok') return stop(result);
        }
        return outcome;
      },
      { hasEffects: true },
    );
  },
});

class Gateway {
  readonly #context: ModuleContext<Options>;
  readonly #service: ReturnType<ModuleContext['http']>;
  #active = 0;

  constructor(context: ModuleContext<Options>) {
    this.#context = context;
    this.#service = context.http(context.options.pool_name);
  }

  /** Never rejects. */
  async notify(form: FlatForm, options: FlatForm): Promise<Outcome> {
    const { api_version: version, max_http_connections: activeMax } = this.#context.options;
    const device = pathSegment(options['device_id'] ?? '');
    if (device === undefined || !SERVICES.has(options['service'])) return this.#failed('invalid_options');
    if (this.#active >= activeMax) return this.#failed('too_many_requests');
    this.#active++;
    try {
      const { status } = await this.#service.request({
        method: 'POST',
        path: `${version}/notification/${device}`,
        body: { type: 'application/json', text: JSON.stringify(gatewayBody(form, options)) },
        headers: { Accept: 'application/json' },
      });
      if (status >= 200 && status <= 299) {
        this.#context.count('sent');
        return 'ok';
      }
      if (status !== 410) return this.#failed(`status_${status}`);
      this.#context.count('not_registered');
      return NOT_REGISTERED;
    } catch (cause) {
      return this.#failed((cause as Error).message);
    } finally {
      this.#active--;
    }
  }

  #failed(error: string): Outcome {
    this.#context.count('failed');
    this.#context.log.warn(
      { what: 'mongoose_push_failed', cause: error },
      'the gateway did not take a notification',
    );
    return { error };
  }
}
