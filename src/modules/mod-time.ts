import { z } from 'zod';
import {
  defineModule,
  Element,
  type IqAnswer,
  type IqRequest,
  NS_TIME,
  StanzaError,
  utcOffset,
  utcSeconds,
} from './module.ts';

/** Entity time (XEP-0202): the server's clock and its time zone. */
export default defineModule({
  name: 'mod_time',
  xeps: [{ number: 202, version: '2.0' }],
  options: z.strictObject({}),
  setup(context) {
    context.iq('local', NS_TIME, ({ type, payload }: IqRequest): IqAnswer => {
      if (type === 'set') return new StanzaError('not-allowed');
      return payload.name === 'time' ? timeNow(new Date()) : new StanzaError('bad-request');
    });
  },
});

function timeNow(now: Date): Element {
  return Element.of(
    'time',
    NS_TIME,
    {},
    Element.of('tzo', NS_TIME, {}, utcOffset(now)),
    Element.of('utc', NS_TIME, {}, utcSeconds(now)),
  );
}
