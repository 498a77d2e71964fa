import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { fixture, LAB, loginOn } from './support.ts';
import { form, found, NS_VCARD, publish, vcard } from './vcard-support.ts';

/** mod_vcard: the hooks around cards. */

describe('cards of other modules', () => {
  let server: TestServer;
  let romeo: TestClient;

  beforeAll(async () => {
    const modules = `[modules.mod_presence]\n[modules.mod_vcard]\n${LAB}${fixture('mod_vcard_spy', 'mod-vcard-spy.ts')}`;
    server = await TestServer.start({
      users: ['romeo', 'juliet'],
      c2s: 'max_stanza_size = 1000000',
      toml: modules,
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  });

  afterAll(() => server.stop());

  async function setFor(user: string, card: string): Promise<string> {
    const answer = await romeo.iq(
      'set',
      'localhost',
      `<set xmlns='urn:test:vcard' user='${user}'>${card}</set>`,
    );
    return answer.child('outcome', 'urn:test:vcard')!.text();
  }

  it('are stored by set_vcard like those of their owners', async () => {
    expect(await setFor('juliet@localhost', vcard('<FN>Juliet</FN>'))).toBe('ok');
    expect(await found(romeo, form({ fn: 'juliet' }))).toEqual(['juliet@localhost']);
  });

  it('are refused for the same reasons', async () => {
    expect(await setFor('juliet@localhost', "<FN xmlns='vcard-temp'>x</FN>")).toBe('not_a_vcard');
    expect(await setFor('juliet@localhost', "<vCard xmlns='urn:other'/>")).toBe('not_a_vcard');
    expect(await setFor('juliet@localhost', vcard('<FN>\u0081</FN>'))).toBe('bad-request');
    expect(await setFor('juliet@localhost', vcard(`<X>${'x'.repeat(262_144)}</X>`))).toBe('policy-violation');
    const kept = await romeo.iq('get', 'juliet@localhost', `<vCard xmlns='${NS_VCARD}'/>`);
    expect(kept.child('vCard', NS_VCARD)!.childText('FN')).toBe('Juliet');
  });

  it('are told of by vcard_set, whoever stored them', async () => {
    const juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
    juliet.send(`<iq type='set' id='v'>${vcard('<FN>Juliet Capulet</FN>')}</iq>`);
    expect((await juliet.message()).childText('body')).toBe('Juliet Capulet');
    await setFor('juliet@localhost', vcard('<FN>J. C.</FN>'));
    expect((await juliet.message()).childText('body')).toBe('J. C.');
    await publish(juliet, '');
    await juliet.close();
  });
});
