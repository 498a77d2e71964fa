import { describe, expect, it } from 'vitest';
import { Accumulator } from '../../../src/hooks/accumulator.ts';
import { STOP } from '../../../src/hooks/chain.ts';
import { HostType } from '../../../src/hooks/host-type.ts';
import { checkPrivacy } from '../../../src/hooks/privacy.ts';
import { HookRegistry } from '../../../src/hooks/registry.ts';
import { NO_PRIVACY_LIST, type PrivacyList } from '../../../src/hooks/values.ts';
import { checkDefaultList, presenceTargets } from '../../../src/shard/privacy.ts';
import { Element } from '../../../src/xml/element.ts';
import { parseJid } from '../../../src/xmpp/jid.ts';
import { NS_CLIENT } from '../../../src/xmpp/namespaces.ts';
import { Stanza } from '../../../src/xmpp/stanza.ts';

/** Who asks privacy lists, and what is made of the answers, of those that come later, and of none. */

const ROMEO = parseJid('romeo@localhost/orchard')!;
const JULIET = parseJid('juliet@localhost/balcony')!;
const LIST: PrivacyList = {
  name: 'l',
  items: [
    {
      type: undefined,
      value: '',
      action: 'deny',
      order: 1,
      matchAll: true,
      matchIq: false,
      matchMessage: false,
      matchPresenceIn: false,
      matchPresenceOut: false,
    },
  ],
};

type Add = (registry: HookRegistry) => void;

function hostOf(add: Add): { hostType: HostType; acc: Accumulator } {
  const registry = new HookRegistry({ deadlineMs: 1_000, failed: () => {} });
  add(registry);
  const hostType = new HostType('localhost', registry.compile('localhost'));
  const stanza = Stanza.of(Element.of('message', NS_CLIENT, { type: 'chat' }));
  return { hostType, acc: new Accumulator(1, 1, 0, hostType, 'localhost', stanza, ROMEO, JULIET) };
}

const gives =
  (list: PrivacyList | Error, isLate = false): Add =>
  (registry) =>
    registry.add('privacy_get_user_list', 'localhost', 50, 'mod_privacy', () => {
      if (list instanceof Error) throw list;
      return isLate ? Promise.resolve(list) : list;
    });

const says =
  (result: string, module = 'mod_privacy', isLate = false): Add =>
  (registry) =>
    registry.add('privacy_check_packet', 'localhost', 50, module, async (acc, { to }) => {
      if (isLate) await Promise.resolve();
      if (to.local !== 'nurse') acc.set('hook', 'result', result);
    });

const both =
  (...adds: Add[]): Add =>
  (registry) => {
    for (const add of adds) add(registry);
  };

describe('checkDefaultList', () => {
  it.each([
    ['no module', both(), 'allow'],
    ['no list', both(gives(NO_PRIVACY_LIST), says('deny')), 'allow'],
    [
      'no list, but a handler of another module',
      both(gives(NO_PRIVACY_LIST), says('deny', 'mod_mine')),
      'deny',
    ],
    ['a list that allows', both(gives(LIST), says('allow')), 'allow'],
    ['a list that blocks', both(gives(LIST), says('block')), 'block'],
    ['a list that comes later', both(gives(LIST, true), says('deny', 'mod_privacy', true)), 'deny'],
    ['a list that cannot be read', both(gives(new Error('away')), says('allow')), 'unknown'],
  ] as const)('%s', async (_what, add, expected) => {
    expect(await checkDefaultList(hostOf(add).acc)).toBe(expected);
  });

  it('denies when the handler that decides fails', async () => {
    const { acc } = hostOf(
      both(gives(LIST), (registry) =>
        registry.add('privacy_check_packet', 'localhost', 50, 'mod_privacy', () => {
          throw new Error('broken');
        }),
      ),
    );
    expect(await checkDefaultList(acc)).toBe('deny');
  });
});

describe('checkPrivacy', () => {
  it('asks once in a context for the same stanza, and again for another', () => {
    let asked = 0;
    const { hostType, acc } = hostOf((registry) =>
      registry.add('privacy_check_packet', 'localhost', 50, 'mod_privacy', () => {
        asked++;
        return STOP;
      }),
    );
    const check = {
      jid: JULIET,
      privacyList: LIST,
      from: ROMEO,
      to: JULIET,
      name: 'message',
      type: 'chat',
      dir: 'in',
    } as const;
    expect(checkPrivacy(hostType, acc, check)).toBe('deny');
    expect(checkPrivacy(hostType, acc, { ...check })).toBe('deny');
    expect(asked).toBe(1);
    expect(checkPrivacy(hostType, acc, { ...check, type: 'normal' })).toBe('deny');
    expect(asked).toBe(2);
  });

  it('asks one thing at a time of an accumulator: each gets its own answer', async () => {
    let busy = 0;
    const { hostType, acc } = hostOf((registry) =>
      registry.add('privacy_check_packet', 'localhost', 50, 'mod_privacy', async (asked, { to }) => {
        expect(++busy).toBe(1);
        await Promise.resolve();
        if (to.local !== 'nurse') asked.set('hook', 'result', 'block');
        await Promise.resolve();
        busy--;
      }),
    );
    const check = (to: string) =>
      checkPrivacy(hostType, acc, {
        jid: JULIET,
        privacyList: LIST,
        from: JULIET,
        to: parseJid(`${to}@localhost`)!,
        name: 'presence',
        type: undefined,
        dir: 'out',
      });
    expect(await Promise.all([check('nurse'), check('paris'), check('nurse'), check('tybalt')])).toEqual([
      'allow',
      'block',
      'allow',
      'block',
    ]);
    // And nobody waits for one that is over.
    expect(await check('mercutio')).toBe('block');
  });
});

describe('presenceTargets', () => {
  const targets = ['nurse@localhost', 'paris@localhost'].map((text) => parseJid(text)!);

  it('are all of them, and the same array, without a list', () => {
    const { hostType, acc } = hostOf(both(gives(NO_PRIVACY_LIST), says('deny')));
    expect(presenceTargets(hostType, acc, JULIET, targets, undefined)).toBe(targets);
  });

  it.each([false, true])('are those whom the list allows (answers come later: %s)', async (isLate) => {
    const { hostType, acc } = hostOf(both(gives(LIST, isLate), says('deny', 'mod_privacy', isLate)));
    const found = await presenceTargets(hostType, acc, JULIET, targets, undefined);
    expect(found.map(({ full }) => full)).toEqual(['nurse@localhost']);
  });
});
