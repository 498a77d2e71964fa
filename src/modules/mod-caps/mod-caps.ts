import { z } from 'zod';
import { type DiscoAcc, defineModule, type Element } from '../module.ts';
import { ClientCaps } from './client-caps.ts';
import { ServerCaps } from './server-caps.ts';

/** Longer, a timer cannot wait. */
const IQ_RESPONSE_MS_MAX = 2_147_483_647;

const optionsSchema = z.strictObject({
  versions: z
    .array(z.enum(['v1', 'v2']))
    .min(1)
    .refine((versions) => new Set(versions).size === versions.length, { error: 'each version once' })
    .default(['v1', 'v2'])
    .describe('`v1` (XEP-0115) and `v2` (XEP-0390), the preferred one first.'),
  iq_response_timeout: z
    .int()
    .min(1)
    .max(IQ_RESPONSE_MS_MAX)
    .default(5_000)
    .describe('How long a client may take to tell what its hash stands for, in milliseconds.'),
});

export type CapsOptions = z.infer<typeof optionsSchema>;

/** Entity capabilities (XEP-0115, XEP-0390): what clients can, by the hashes that they announce, and what this server can. */
export default defineModule<CapsOptions>({
  name: 'mod_caps',
  xeps: [
    { number: 115, version: '1.6.0' },
    {
      number: 390,
      version: '0.3.2',
      note: 'without caps optimization, interception and gratuitous capabilities',
    },
    { number: 300, version: '1.0.0', note: 'the hashes of XEP-0390' },
    { number: 414, version: '0.4.0', note: 'which hash functions there are' },
  ],
  options: optionsSchema,
  setup(context) {
    const clients = new ClientCaps(context);
    const server = new ServerCaps(context);
    // It asks and remembers: a dry run (`meerkat route`) leaves it alone.
    const effects = { hasEffects: true };
    context.hook('user_send_presence', 10, (acc, session) => clients.heard(acc, session), effects);
    context.hook('user_terminate', 10, (_acc, session) => clients.forget(session));

    const add = (features: readonly Element[], domain: string) => {
      const own = server.streamFeatures(domain);
      return own instanceof Promise ? own.then((more) => [...features, ...more]) : [...features, ...own];
    };
    context.hook('c2s_stream_features', 50, (features, { lserver }) => add(features, lserver));
    context.hook('s2s_stream_features', 50, (features, { lserver }) => add(features, lserver));

    /** Whoever asks for the hash asks for what it stands for: later handlers see no node. */
    const asRoot = <T extends DiscoAcc<unknown>>(acc: T): T | undefined | Promise<T | undefined> => {
      if (acc.node === '') return undefined;
      const isOwn = server.isOwnNode(acc.node, acc.to);
      const root = (known: boolean): T | undefined => (known ? { ...acc, node: '' } : undefined);
      return isOwn instanceof Promise ? isOwn.then(root) : root(isOwn);
    };
    context.hook('disco_local_identity', 1, (acc) => asRoot(acc));
    context.hook('disco_local_features', 1, (acc) => {
      const own = <T extends DiscoAcc<string>>(known: T): T => ({
        ...known,
        result: [...(known.result ?? []), ...server.ownFeatures()],
      });
      if (acc.node === '') return own(acc);
      const root = asRoot(acc);
      if (!(root instanceof Promise)) return root === undefined ? undefined : own(root);
      return root.then((known) => (known === undefined ? undefined : own(known)));
    });
  },
});
