import { z } from 'zod';
import {
  defineModule,
  Element,
  type IqAnswer,
  type IqRequest,
  type ModuleContext,
  NS_SIC,
  StanzaError,
} from './module.ts';

/** An IPv4 address as a socket for both versions tells it. */
const MAPPED = /^::ffff:(?=[0-9.]+$)/i;

/** Server IP check (XEP-0279): from where the client's connection comes. Nobody is told about anybody else. */
export default defineModule({
  name: 'mod_sic',
  xeps: [{ number: 279, version: '0.2' }],
  options: z.strictObject({}),
  setup(context) {
    // One answer, whether or not there is such an account (threat T68).
    const discipline = { type: 'one_queue', answersForUnknown: true } as const;
    context.iq('local', NS_SIC, (request) => addressOf(context, request), discipline);
    context.iq('sm', NS_SIC, (request) => addressOf(context, request), discipline);
  },
});

function addressOf(context: ModuleContext, { type, from, to, payload }: IqRequest): IqAnswer {
  if (to.local !== '' && to.bare !== from.bare) return new StanzaError('forbidden');
  if (type === 'set') return new StanzaError('not-allowed');
  if (payload.name !== 'address') return new StanzaError('bad-request');
  // Only a session's own shard has its connection, and asks here for it.
  const info = context.session(from)?.params.info;
  // From another server, or a component.
  if (info === undefined) return new StanzaError('forbidden');
  if (info.address === '') return new StanzaError('internal-server-error');
  return Element.of(
    'address',
    NS_SIC,
    {},
    Element.of('ip', NS_SIC, {}, info.address.replace(MAPPED, '')),
    Element.of('port', NS_SIC, {}, String(info.port)),
  );
}
