import { defineModule, Element, NS_SASL, NS_SASL2, z } from '../module.ts';
import { Sasl2 } from './sasl2.ts';

/**
 * Logging in by XEP-0388: one element asks for everything, one answer brings it, and the stream goes on without being opened anew. What can be asked
 * for besides (binding, resumption, tokens), and what the server asks for besides (tasks), is added by other modules through its hooks.
 */
export default defineModule({
  name: 'mod_sasl2',
  xeps: [{ number: 388, version: '1.0.4', note: 'tasks are brought by modules of your own' }],
  options: z.strictObject({}),
  setup(context) {
    const sasl2 = new Sasl2(context);
    context.hook('c2s_stream_features', 50, (features, session) => {
      // XEP-0388 §3: after TLS only.
      if (!session.isEncrypted || session.isAuthenticated) return undefined;
      const classic = features.find(({ name, ns }) => name === 'mechanisms' && ns === NS_SASL);
      if (classic === undefined) return undefined;
      const mechanisms = classic
        .elements()
        .map((mechanism) => Element.of('mechanism', NS_SASL2, {}, mechanism.text()));
      const inline = context.foldHook('sasl2_stream_features', [], session);
      const withSasl2 = (found: readonly Element[]): readonly Element[] => [
        ...features,
        authentication(mechanisms, found),
      ];
      return inline instanceof Promise ? inline.then(withSasl2) : withSasl2(inline);
    });
    context.hook('user_send_xmlel', 50, (acc, session) => sasl2.element(acc, session));
  },
});

function authentication(mechanisms: readonly Element[], inline: readonly Element[]): Element {
  const feature = Element.of('authentication', NS_SASL2, {}, ...mechanisms);
  if (inline.length > 0) feature.children.push(Element.of('inline', NS_SASL2, {}, ...inline));
  return feature;
}
