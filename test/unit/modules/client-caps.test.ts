import { describe, expect, it } from 'vitest';
import type { Accumulator } from '../../../src/hooks/accumulator.ts';
import { ClientCaps } from '../../../src/modules/mod-caps/client-caps.ts';
import { hashOf } from '../../../src/modules/mod-caps/hash.ts';
import type { CapsOptions } from '../../../src/modules/mod-caps/mod-caps.ts';
import { type C2sParams, type Element, type ModuleContext, Stanza } from '../../../src/modules/module.ts';
import { makeJid } from '../../../src/xmpp/jid.ts';
import { parseElementText } from '../../../src/xmpp/trusted-xml.ts';

/** How a shard looks hashes up, and what bounds it (T49, T67). */

const CAPS = 'http://jabber.org/protocol/caps';
const INFO = 'http://jabber.org/protocol/disco#info';

function setting(isOverloaded = () => false) {
  const asked: { node: string; answer: (stanza: Element | undefined) => void }[] = [];
  const recognised: { jid: string; features: readonly string[] }[] = [];
  const news: unknown[] = [];
  const context = {
    options: { versions: ['v1'], iq_response_timeout: 1 },
    slot: 0,
    sessionState: () => {},
    log: { debug: () => {} },
    count: () => {},
    onAnnouncement: () => {},
    announce: (content: unknown) => news.push(content),
    trustedJid: (text: string) => makeJid('', text),
    accumulator: (from: unknown, to: unknown, stanza: unknown) => ({ from, to, stanza }),
    request: (
      _to: unknown,
      _from: unknown,
      query: Element,
      callback: (answer: Accumulator | undefined) => void,
    ) => {
      if (isOverloaded()) return false;
      const answer = (stanza: Element | undefined): void =>
        callback(stanza === undefined ? undefined : ({ stanza: Stanza.of(stanza) } as Accumulator));
      asked.push({ node: query.attribute('node')!, answer });
      return true;
    },
    runHook: (
      _name: string,
      _acc: unknown,
      { session, features }: { session: C2sParams; features: string[] },
    ) => {
      recognised.push({ jid: session.jid!.full, features });
    },
  } as unknown as ModuleContext<CapsOptions>;
  return { caps: new ClientCaps(context), asked, recognised, news };
}

let sessions = 0;

function session(): C2sParams {
  let state: unknown;
  return {
    jid: makeJid('juliet', 'localhost', `r${++sessions}`),
    lang: 'en',
    moduleState: () => state,
    setModuleState: (_slot: number, value: unknown) => {
      state = value;
    },
  } as unknown as C2sParams;
}

const content = (feature: string): string =>
  `<identity category='client' type='pc'/><feature var='${feature}'/>`;
const verOf = (feature: string): string => hashOf('sha-1', `client/pc//<${feature}<`);

function announce(caps: ClientCaps, from: C2sParams, feature: string): void {
  const c = `<c xmlns='${CAPS}' hash='sha-1' node='n' ver='${verOf(feature)}'/>`;
  const stanza = Stanza.of(parseElementText(`<presence xmlns='jabber:client'>${c}</presence>`));
  caps.heard({ from: from.jid, to: from.jid!.bareJid, stanza } as Accumulator, from);
}

const answerOf = (feature: string): Element =>
  parseElementText(
    `<iq xmlns='jabber:client' type='result'><query xmlns='${INFO}'>${content(feature)}</query></iq>`,
  );

describe('hashes of clients', () => {
  it('are remembered for so many only, those used last', () => {
    const { caps, asked } = setting();
    for (let i = 0; i < 5_000; i++) {
      const client = session();
      announce(caps, client, `f${i}`);
      asked.pop()?.answer(answerOf(`f${i}`));
      // One that is in use stays.
      announce(caps, session(), 'f0');
    }
    expect(asked).toEqual([]);
    let unknown = 0;
    for (let i = 0; i < 5_000; i++) {
      announce(caps, session(), `f${i}`);
      if (asked.length > 0) {
        unknown++;
        asked.pop()!.answer(undefined);
      }
    }
    expect(unknown).toBeGreaterThanOrEqual(5_000 - 2_048);
    expect(unknown).toBeLessThan(5_000 - 1_000);
  });

  it('are asked for once, however many announce them meanwhile', () => {
    const { caps, asked, recognised, news } = setting();
    for (let i = 0; i < 1_000; i++) announce(caps, session(), 'same');
    expect(asked).toHaveLength(1);
    asked[0]!.answer(answerOf('same'));
    expect(recognised).toHaveLength(1_000);
    expect(news).toHaveLength(1);
  });

  it('are not asked for while too many questions are open, and are with the next presence', () => {
    let isOverloaded = true;
    const { caps, asked, recognised } = setting(() => isOverloaded);
    const [one, two] = [session(), session()];
    announce(caps, one, 'x');
    announce(caps, two, 'x');
    expect(asked).toEqual([]);
    isOverloaded = false;
    announce(caps, one, 'x');
    announce(caps, two, 'x');
    expect(asked).toHaveLength(1);
    asked[0]!.answer(answerOf('x'));
    expect(recognised).toHaveLength(2);
  });

  it('cost each session one question at a time, whatever it announces', () => {
    const { caps, asked, recognised } = setting();
    const client = session();
    for (let i = 0; i < 100; i++) announce(caps, client, `x${i}`);
    expect(asked).toHaveLength(1);
    asked[0]!.answer(undefined);
    expect(asked.map(({ node }) => node)).toEqual([`n#${verOf('x0')}`, `n#${verOf('x99')}`]);
    asked[1]!.answer(answerOf('x99'));
    expect(recognised.map(({ features }) => features)).toEqual([['x99']]);
  });

  it('of a session that has ended lead nowhere', () => {
    const { caps, asked, recognised } = setting();
    const client = session();
    announce(caps, client, 'gone');
    caps.forget(client);
    asked[0]!.answer(answerOf('gone'));
    expect(recognised).toEqual([]);
    // What it said is true all the same.
    announce(caps, session(), 'gone');
    expect([asked.length, recognised.length]).toEqual([1, 1]);
  });
});
