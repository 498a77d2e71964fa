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
  user_send_iq: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session of the sender, for every IQ, after user_send_packet. Also for the IQ that opens a session, where the result does not count.',
    acc: 'The accumulator of the IQ.',
    params: C2S_PARAMS,
    result: 'Go on: the IQ is routed. STOP: it is not; a handler has answered it, or will.',
    counted: false,
  }),
  user_send_presence: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session of the sender, for every presence, after user_send_packet.',
    acc: 'The accumulator of the presence.',
    params: C2S_PARAMS,
    result:
      'The session never routes presence itself: the presence module does it in its handler (priority 50). STOP keeps the handlers that come later, this one among them, from seeing the presence.',
    counted: false,
  }),
  user_send_xmlel: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session, for every other element: after user_send_packet once the session is established, and in all earlier states for whatever the state machine does not understand itself (in-band registration, SASL2, resumption).',
    acc: 'The accumulator of the element. Before the session is established, both its addresses are the server’s.',
    params: C2S_PARAMS,
    result: 'Nothing is routed in either case. STOP: a handler knew the element.',
  }),
  user_receive_packet: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session of the recipient, for every stanza that reached it, in any state, waiting for resumption included. Not for what the server writes to the stream directly.',
    acc: 'The accumulator of the stanza, its addresses as they were routed: a message to a bare JID keeps that.',
    params: C2S_PARAMS,
    result:
      'Go on: the hook of the stanza’s kind follows. STOP: the stanza is dropped silently; actions asked for are still carried out.',
    counted: false,
  }),
  user_receive_message: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session of the recipient, for every message, after user_receive_packet.',
    acc: 'The accumulator of the message.',
    params: C2S_PARAMS,
    result:
      'Go on: xmpp_presend_element follows. STOP: the message is dropped; a handler may have answered with an error.',
    counted: false,
  }),
  user_receive_iq: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session of the recipient, for every IQ, after user_receive_packet.',
    acc: 'The accumulator of the IQ.',
    params: C2S_PARAMS,
    result:
      'Go on: xmpp_presend_element follows. STOP: the IQ is dropped; a handler may have answered with an error.',
    counted: false,
  }),
  user_receive_presence: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session of the recipient, for every presence, after user_receive_packet.',
    acc: 'The accumulator of the presence.',
    params: C2S_PARAMS,
    result:
      'Go on: xmpp_presend_element follows. STOP: the client does not get the presence (a probe was answered, or the client has not sent any presence yet).',
    counted: false,
  }),
  user_receive_xmlel: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session of the recipient, for an element that is no stanza. The router carries stanzas only, so this is rare.',
    acc: 'The accumulator of the element.',
    params: C2S_PARAMS,
    result: 'Go on: xmpp_presend_element follows. STOP: the element is dropped.',
  }),
  xmpp_presend_element: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session of the recipient, last before a stanza is written: after the receive hooks, or when a handler asked to flush a stanza (`reason` is then `flush`). Client state indication and stream management keep stanzas back here.',
    acc: 'The accumulator of the stanza.',
    params: C2S_PARAMS,
    result:
      'Go on: the stanza is written. STOP: it is not; a handler keeps it. Actions are carried out in both cases.',
  }),
  xmpp_send_element: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session, after every attempt to write something: stanzas, and also features, errors and acknowledgements, once the domain of the stream is known.',
    acc: 'The accumulator of the element; the key `c2s/send_result` is `ok`, or an object whose `error` tells what failed.',
    params: C2S_PARAMS,
    result: 'The accumulator is passed on. STOP only skips the handlers that come later.',
    counted: false,
  }),
} as const;
