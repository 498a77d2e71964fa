import type { Accumulator } from '../accumulator.ts';
import { point } from '../point.ts';
import type { C2sParams } from '../session.ts';
import { C2S_PARAMS } from './common.ts';

/** Hooks that a client's session runs around its stanzas. */
export const c2sPoints = {
  user_send_packet: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session of the sender, for every element that a client sends once its session is established; first of all hooks.',
    acc: 'The accumulator of the element just read.',
    params: C2S_PARAMS,
    result: 'Go on: the hook of the element’s kind follows. STOP: nothing more happens with the element.',
    counted: false,
  }),
  user_send_message: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session of the sender, for every message, after user_send_packet.',
    acc: 'The accumulator of the message.',
    params: C2S_PARAMS,
    result: 'Go on: the message is routed. STOP: it is not; a handler has dealt with it.',
    counted: false,
  }),
} as const;
