import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition } from './support.ts';

/** Modules that answer requests of users: switched on, changed and off while sessions go on. */

const SECTIONS = ['mod_private', 'mod_last', 'mod_vcard', 'mod_caps', 'mod_adhoc'].map(
  (name) => `[modules.${name}]\n`,
);
const ITEMS = 'http://jabber.org/protocol/disco#items';
const COMMANDS = 'http://jabber.org/protocol/commands';
const CAPS = 'http://jabber.org/protocol/caps';

describe('modules that are switched while the server runs', () => {
  let server: TestServer;
  let romeo: TestClient;
  let base: string;

  beforeAll(async () => {
    server = await TestServer.start({
      users: ['romeo'],
      toml: '[modules.mod_presence]\n[modules.mod_disco]\n',
    });
    base = readFileSync(server.configFile, 'utf8');
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  });

  afterAll(() => server.stop());

  async function reload(more: string): Promise<void> {
    writeFileSync(server.configFile, base + more);
    expect((await meerkat(['--config', server.configFile, 'reload'])).status).toBe(0);
  }

  const ask = (type: 'get' | 'set', to: string, payload: string): Promise<Element> =>
    romeo.iq(type, to, payload);

  /** Which of the modules answer: the conditions of errors, or the names of what came. */
  async function answers(): Promise<(string | undefined)[]> {
    const all = [
      await ask('get', 'romeo@localhost', "<query xmlns='jabber:iq:private'><a xmlns='urn:t'/></query>"),
      await ask('get', 'localhost', "<query xmlns='jabber:iq:last'/>"),
      await ask('get', 'localhost', "<vCard xmlns='vcard-temp'/>"),
      await ask('get', 'vjud.localhost', "<query xmlns='jabber:iq:search'/>"),
      await ask('set', 'localhost', `<command xmlns='${COMMANDS}' node='ping'/>`),
    ];
    return all.map((answer) => condition(answer) ?? answer.elements()[0]!.name);
  }

  async function items(): Promise<(string | undefined)[]> {
    const query = (await ask('get', 'localhost', `<query xmlns='${ITEMS}'/>`)).child('query', ITEMS)!;
    return query.elements().map((item) => item.attribute('jid'));
  }

  async function hash(): Promise<string | undefined> {
    const client = await TestClient.connect(server.port());
    const features = await client.openStream('localhost');
    client.cut();
    return features.childOf(CAPS)?.attribute('ver');
  }

  it('answer, change and fall silent, and what is stored stays', async () => {
    const none = await answers();
    expect(
      none.every(
        (one) =>
          one === 'service-unavailable' || one === 'item-not-found' || one === 'remote-server-not-found',
      ),
    ).toBe(true);
    expect([await items(), await hash()]).toEqual([[], undefined]);

    await reload(SECTIONS.join(''));
    expect(await answers()).toEqual(['query', 'query', 'vCard', 'query', 'command']);
    expect(await items()).toEqual(['vjud.localhost']);
    const first = await hash();
    expect(first).toBeDefined();
    await ask('set', 'romeo@localhost', "<query xmlns='jabber:iq:private'><a xmlns='urn:t'>kept</a></query>");
    await ask('set', 'romeo@localhost', "<vCard xmlns='vcard-temp'><FN>Romeo</FN></vCard>");

    // Another module changes what the server can, and with it the hash.
    await reload(
      `${SECTIONS.join('').replace('mod_vcard]\n', 'mod_vcard]\n  host = "people.@HOST@"\n')}[modules.mod_time]\n`,
    );
    expect(await items()).toEqual(['people.localhost']);
    const second = await hash();
    expect(second).not.toBe(first);

    await reload('');
    expect(await answers()).toEqual(none);
    expect([await items(), await hash()]).toEqual([[], undefined]);

    await reload(SECTIONS.join(''));
    const kept = await ask(
      'get',
      'romeo@localhost',
      "<query xmlns='jabber:iq:private'><a xmlns='urn:t'/></query>",
    );
    expect(kept.child('query', 'jabber:iq:private')!.childText('a', 'urn:t')).toBe('kept');
    const card = await ask('get', 'romeo@localhost', "<vCard xmlns='vcard-temp'/>");
    expect(card.child('vCard', 'vcard-temp')!.childText('FN')).toBe('Romeo');
    expect(await hash()).toBe(first);
  });
});
