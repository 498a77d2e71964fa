import assert from 'node:assert/strict';
import { Accumulator } from '../../src/hooks/accumulator.ts';
import { HostType } from '../../src/hooks/host-type.ts';
import { checkPrivacy } from '../../src/hooks/privacy.ts';
import { HookRegistry } from '../../src/hooks/registry.ts';
import { foldHook, runHook } from '../../src/hooks/run.ts';
import mod_privacy from '../../src/modules/mod-privacy/mod-privacy.ts';
import type { ModuleContext, StoredPrivacyItem, StoredPrivacyList } from '../../src/modules/module.ts';
import { Element } from '../../src/xml/element.ts';
import { parseJid } from '../../src/xmpp/jid.ts';
import { NS_CLIENT } from '../../src/xmpp/namespaces.ts';
import { Stanza } from '../../src/xmpp/stanza.ts';
import { type MicroBench, measure } from '../lib/micro.ts';

/** What privacy lists cost a message at one end of its way: the hook alone, mod_privacy for a user without a list, and with lists of several lengths. */

const JULIET = parseJid('juliet@localhost/balcony')!;
const ROMEO = parseJid('romeo@localhost/orchard')!;

/** A message from Romeo comes to Juliet's session, again and again. The list denies others. */
async function receive(items: number | undefined): Promise<() => number> {
  const registry = new HookRegistry({
    deadlineMs: 1_000,
    failed: (...args: unknown[]) => assert.fail(String(args)),
  });
  const hostType = new HostType('localhost', {} as never);
  const list: StoredPrivacyList | null =
    items === undefined || items === 0
      ? null
      : {
          name: 'blocking',
          items: Array.from(
            { length: items },
            (_unused, i): StoredPrivacyItem => ['j', `u${i}@x`, 'b', i, 0],
          ),
        };
  const context = {
    module: 'mod_privacy',
    options: {},
    hostType: 'localhost',
    hosts: ['localhost'],
    slot: 0,
    isDryRun: false,
    store: { request: async () => list },
    hook: (name: never, priority: number, handler: never) =>
      registry.add(name, 'localhost', priority, 'mod_privacy', handler),
    onAnnouncement() {},
    ownPush() {},
    portable() {},
    sessionState() {},
    hasOtherHandlers: () => false,
    foldHook: (name: never, value: never, params: never) => foldHook(hostType, name, value, params),
    checkPrivacy: (acc: never, check: never) => checkPrivacy(hostType, acc, check),
  } as unknown as ModuleContext<Record<string, never>>;
  if (items === undefined)
    registry.add('user_receive_message', 'localhost', 10, 'mod_bench', () => undefined);
  else mod_privacy.setup(context);
  hostType.chains = registry.compile('localhost');
  const states: unknown[] = [];
  const session = {
    jid: JULIET,
    moduleState: (slot: number) => states[slot],
    setModuleState: (slot: number, state: unknown) => {
      states[slot] = state;
    },
  } as unknown as Parameters<typeof runHook<'user_receive_message'>>[3];
  const stanza = Stanza.of(Element.of('message', NS_CLIENT, { type: 'chat' }));
  let passed = 0;
  const once = (): unknown => {
    const acc = new Accumulator(1, 1, 0, hostType, 'localhost', stanza, ROMEO, JULIET);
    const verdict = runHook(hostType, 'user_receive_message', acc, session);
    if (verdict === undefined) passed++;
    return verdict;
  };
  // The first one reads the list.
  await once();
  return () => {
    assert(once() === undefined);
    return passed;
  };
}

export const run: MicroBench = async ({ smoke }) => {
  const scenarios: [string, () => number][] = [
    ['a handler that does nothing', await receive(undefined)],
    ['mod_privacy, a user without a list', await receive(0)],
    ['mod_privacy, a list of 10 items', await receive(10)],
    ['mod_privacy, a list of 1000 items', await receive(1_000)],
  ];
  return await measure(
    smoke,
    (add) => {
      for (const [name, operation] of scenarios) add(name, operation);
    },
    1_000,
  );
};
