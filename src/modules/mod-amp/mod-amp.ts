import { z } from 'zod';
import { addressedWith, defineModule, Element, NS_AMP, NS_AMP_FEATURE } from '../module.ts';
import { type Carried, Processing } from './processing.ts';
import { ACTIONS, CONDITIONS, supportOf } from './rules.ts';
import { matchOf, strategyFor } from './strategy.ts';

const optionsSchema = z.strictObject({
  check_presence: z
    .boolean()
    .default(true)
    .describe(
      'Whether senders get answers only about recipients whose presence they may see. Without, rules tell anybody whether a user is there.',
    ),
});

export type AmpOptions = z.infer<typeof optionsSchema>;

/** Advanced message processing (XEP-0079): a message says what shall be done if it is delivered, stored, or too late. */
export default defineModule<AmpOptions>({
  name: 'mod_amp',
  xeps: [{ number: 79, version: '1.2', note: 'at the edge; `per-hop` has no effect' }],
  features: [NS_AMP],
  options: optionsSchema,
  setup(context) {
    const processing = new Processing(context);
    const effects = { hasEffects: true };
    context.permanentKey('amp', 'rules', {
      encode: (carried) => {
        const { from, rules } = carried as Carried;
        return [from, rules.map(({ condition, action, value }) => [condition, action, value])];
      },
      decode: (data) => {
        const [from, rules] = data as [string, [string, string, string][]];
        return { from, rules: rules.map(([condition, action, value]) => ({ condition, action, value })) };
      },
    });
    context.hook('c2s_stream_features', 50, (features) => [...features, new Element('amp', NS_AMP_FEATURE)]);
    context.hook('disco_local_features', 99, (acc) => {
      if (acc.node !== NS_AMP) return undefined;
      const supported = [
        ...ACTIONS.map((name) => `${NS_AMP}?action=${name}`),
        ...CONDITIONS.map((name) => `${NS_AMP}?condition=${name}`),
      ];
      return { ...acc, result: [...(acc.result ?? []), NS_AMP, ...supported] };
    });

    context.hook('user_send_message', 5, (acc) => processing.initial(acc), effects);
    context.hook('user_receive_message', 15, (acc) => processing.expired(acc), effects);
    context.hook(
      'xmpp_send_element',
      10,
      (acc, session) => {
        if (acc.get('amp', 'rules') === undefined || processing.rulesOf(acc) === undefined) return undefined;
        if (!addressedWith(acc, session.sid!).isFirst) return undefined;
        acc.retain();
        return processing.later(acc, 'delivered');
      },
      effects,
    );
    context.hook('amp_event', 50, (acc, { event }) => processing.later(acc, event), effects);
    // Nobody has stored it, and it goes back.
    context.hook('offline_message', 99, (acc) => processing.notStored(acc), effects);
    context.hook('failed_to_store_message', 30, (acc) => processing.later(acc, 'offline_failed'), effects);

    context.hook('amp_verify_support', 10, (known, { rules }) => supportOf(rules, known));
    context.hook('amp_determine_strategy', 10, (_strategy, { from, to, packet, event }) => {
      return to === undefined ? undefined : strategyFor(context, { from, to, packet }, event);
    });
    context.hook('amp_check_condition', 10, (match, { strategy, rule }) => {
      return match === 'no_match' ? matchOf(strategy, rule) : undefined;
    });
  },
});
