import type { Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { Accumulator } from '../accumulator.ts';
import { point } from '../point.ts';
import type { AmpEvent, AmpMatch, AmpRule, AmpStrategy, AmpSupport } from '../values.ts';

/** Hooks of advanced message processing (XEP-0079). */
export const ampPoints = {
  amp_verify_support: point<readonly AmpSupport[], { rules: readonly AmpRule[] }>({
    scope: 'host_type',
    part: 'core',
    when: 'Advanced message processing, once for every message with rules, before anything else.',
    acc: 'An empty list.',
    params: { rules: 'The rules of the message.' },
    result:
      'One entry for each rule. If any of them is not supported, the sender is told about the first, and the message is dropped.',
  }),
  amp_determine_strategy: point<
    AmpStrategy,
    { from: Jid; to: Jid | undefined; packet: Stanza; event: AmpEvent }
  >({
    scope: 'host_type',
    part: 'core',
    when: 'Advanced message processing, once for each stage that a message with rules reaches.',
    acc: 'A strategy in which nothing is known.',
    params: {
      from: 'The sender.',
      to: 'The recipient, if there is one.',
      packet: 'The message.',
      event: 'The stage.',
    },
    result:
      'What is expected to happen with the message. amp_check_condition compares the rules with it; handlers improve on what the ones before them expected.',
  }),
  amp_check_condition: point<AmpMatch, { strategy: AmpStrategy; rule: AmpRule }>({
    scope: 'host_type',
    part: 'core',
    when: 'Advanced message processing, for each rule at each stage.',
    acc: '`no_match`.',
    params: { strategy: 'What is expected to happen with the message.', rule: 'The rule.' },
    result:
      'The action of the first rule that matches is carried out. `undecided`: the rule is kept for the stages to come; once delivery has worked or failed, an undecided rule about delivery matches. A handler leaves alone what another decided.',
  }),
  amp_event: point<Accumulator, { event: AmpEvent }>({
    scope: 'host_type',
    part: 'core',
    when: 'A module that keeps messages, when it has stored one, or could not; the privacy module, when the list of a session keeps one away.',
    acc: 'The accumulator of the message.',
    params: { event: 'The stage that the message has reached.' },
    result:
      'Go on: the caller does what it always does. STOP: a rule of the message has been met that ends its way; its sender must not be told anything else.',
  }),
} as const;
