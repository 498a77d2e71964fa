import { defineModule, Element, NS_BIND2, z } from '../module.ts';
import { Binding } from './binding.ts';
import { SameClient } from './same-client.ts';

/**
 * Resource binding together with the login (XEP-0386). Modules whose features a client may switch on in the same breath join through
 * `bind2_stream_features` and `bind2_enable_features`.
 */
export default defineModule({
  name: 'mod_bind2',
  xeps: [
    {
      number: 386,
      version: '1.1.0',
      note: 'stored messages are delivered, whether or not an archive has them, too',
    },
  ],
  options: z.strictObject({}),
  dependencies: [{ module: 'mod_sasl2' }],
  setup(context) {
    const binding = new Binding(context, new SameClient(context));
    context.hook('sasl2_stream_features', 50, (features, session) => {
      const inline = context.foldHook('bind2_stream_features', [], session);
      const withBind = (found: readonly Element[]): readonly Element[] => [...features, bindFeature(found)];
      return inline instanceof Promise ? inline.then(withBind) : withBind(inline);
    });
    context.hook('sasl2_start', 50, (acc, { stanza }) => {
      const request = stanza.child('bind', NS_BIND2);
      if (request !== undefined) acc.set('bind2', 'request', request);
    });
    context.hook('sasl2_success', 50, (acc, { session }) => binding.bind(acc, session));
  },
});

function bindFeature(inline: readonly Element[]): Element {
  const feature = new Element('bind', NS_BIND2);
  if (inline.length > 0) feature.children.push(Element.of('inline', NS_BIND2, {}, ...inline));
  return feature;
}
