import { z } from 'zod';
import {
  type AdhocAnswer,
  type AdhocRequest,
  commandElement,
  type DiscoAcc,
  type DiscoItem,
  defineModule,
  type Identity,
  NS_COMMANDS,
  StanzaError,
  stop,
} from '../module.ts';
import { badCommand, runCommand } from './commands.ts';

const PING = 'ping';
const LIST: Identity = { category: 'automation', type: 'command-list', name: 'Commands' };

const optionsSchema = z.strictObject({
  report_commands_node: z
    .boolean()
    .default(false)
    .describe('Whether the list of commands is among the items of the server and of accounts.'),
});

type Options = z.infer<typeof optionsSchema>;

/** Ad-hoc commands (XEP-0050): hands them to the handlers of its hooks. One is its own: `ping`. */
export default defineModule<Options>({
  name: 'mod_adhoc',
  xeps: [{ number: 50, version: '1.3.0' }],
  options: optionsSchema,
  dependencies: [{ module: 'mod_disco', isOptional: true }],
  setup(context) {
    context.iq('local', NS_COMMANDS, (request) => runCommand(context, 'adhoc_local_commands', request));
    // To a stranger an account is as silent as one that does not exist (threat T68).
    context.iq('sm', NS_COMMANDS, async (request) => {
      const isSubscribed = await context.isSubscribed(request.from, request.to);
      if (!isSubscribed) return new StanzaError('service-unavailable');
      return runCommand(context, 'adhoc_sm_commands', request);
    });
    context.hook('adhoc_local_commands', 100, (_answer, { request }) => {
      return request.node === PING ? stop(ping(request)) : undefined;
    });

    const { report_commands_node: isReported } = context.options;
    const listItem = ({ to }: DiscoAcc<DiscoItem>): DiscoItem => ({
      jid: to,
      node: NS_COMMANDS,
      name: 'Commands',
    });

    context.hook('disco_local_identity', 99, (acc) => {
      if (acc.node === NS_COMMANDS) return withMore(acc, [LIST]);
      if (acc.node !== PING) return undefined;
      return withMore<Identity>(acc, [{ category: 'automation', type: 'command-node', name: 'Ping' }]);
    });
    // Without a node the feature comes from the handler of requests.
    context.hook('disco_local_features', 99, (acc) => {
      if (acc.node === NS_COMMANDS) return withMore<string>(acc, []);
      return acc.node === PING ? withMore(acc, [NS_COMMANDS]) : undefined;
    });
    context.hook('disco_local_items', 99, (acc) => {
      if (acc.node === '') return isReported ? withMore(acc, [listItem(acc)]) : undefined;
      if (acc.node === NS_COMMANDS) return withMore(acc, [{ jid: acc.to, node: PING, name: 'Ping' }]);
      return acc.node === PING ? withMore<DiscoItem>(acc, []) : undefined;
    });

    context.hook('disco_sm_identity', 99, (acc, { presenceSubscribed }) => {
      return presenceSubscribed && acc.node === NS_COMMANDS ? withMore(acc, [LIST]) : undefined;
    });
    context.hook('disco_sm_features', 99, (acc, { presenceSubscribed }) => {
      return presenceSubscribed && acc.node === NS_COMMANDS ? withMore<string>(acc, []) : undefined;
    });
    context.hook('disco_sm_items', 99, (acc, { presenceSubscribed }) => {
      if (!presenceSubscribed) return undefined;
      if (acc.node === '') return isReported ? withMore(acc, [listItem(acc)]) : undefined;
      return acc.node === NS_COMMANDS ? withMore<DiscoItem>(acc, []) : undefined;
    });
  },
});

/** Answers at once, and knows no second stage. */
function ping(request: AdhocRequest): AdhocAnswer {
  if (request.action !== '' && request.action !== 'execute') return badCommand('bad-action');
  return commandElement(request, { status: 'completed', notes: [{ type: 'info', text: 'Pong' }] });
}

function withMore<T>(acc: DiscoAcc<T>, more: readonly T[]): DiscoAcc<T> {
  return { ...acc, result: [...(acc.result ?? []), ...more] };
}
