import { release } from 'node:os';
import { z } from 'zod';
import {
  defineModule,
  Element,
  type IqAnswer,
  type IqRequest,
  type ModuleContext,
  NS_VERSION,
  StanzaError,
} from './module.ts';

const optionsSchema = z.strictObject({
  os_info: z.boolean().default(false).describe('Whether the operating system and its version are told, too.'),
});

type Options = z.infer<typeof optionsSchema>;

/** Software version (XEP-0092): which server this is. */
export default defineModule<Options>({
  name: 'mod_version',
  xeps: [{ number: 92, version: '1.1' }],
  options: optionsSchema,
  setup(context) {
    const answer = versionOf(context);
    context.iq('local', NS_VERSION, ({ type, payload }: IqRequest): IqAnswer => {
      if (type === 'set') return new StanzaError('not-allowed');
      return payload.name === 'query' ? answer : new StanzaError('bad-request');
    });
  },
});

function versionOf({ product, options }: ModuleContext<Options>): Element {
  const query = Element.of(
    'query',
    NS_VERSION,
    {},
    Element.of('name', NS_VERSION, {}, product.name),
    Element.of('version', NS_VERSION, {}, product.version),
  );
  if (options.os_info) query.children.push(Element.of('os', NS_VERSION, {}, operatingSystem()));
  return query;
}

/** Family, name and version: `unix linux 6.1.0`. */
function operatingSystem(): string {
  const family = process.platform === 'win32' ? 'win32' : 'unix';
  const version = /^[0-9]+(?:\.[0-9]+)*/.exec(release())?.[0] ?? release();
  return `${family} ${process.platform} ${version}`;
}
