import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import {
  chat,
  disablePush,
  enablePush,
  field,
  form,
  NS_PUSH,
  PUSH_SERVICE,
  published,
} from './event-pusher-support.ts';
import { condition, LAB, nobodyThere } from './support.ts';

/** Push notifications on and off, as clients ask for it (XEP-0357 §5, §6). */

const USERS = ['romeo', 'juliet', 'watcher', 'many', 'gone'];

describe('requests', () => {
  let server: TestServer;
  let romeo: TestClient;
  let watcher: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({
      users: USERS,
      toml: `
        [modules.mod_presence]
        [modules.mod_offline]
        [modules.mod_disco]
        [modules.mod_event_pusher.push]
          max_nodes_per_user = 3
        ${PUSH_SERVICE}
        ${LAB}
      `,
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    watcher = await TestClient.login(server.port(), 'watcher@localhost/desk');
  });

  afterAll(() => server.stop());

  async function refused(payload: string, to?: string): Promise<string | undefined> {
    const answer = await romeo.iq('set', to, payload);
    return answer.attribute('type') === 'error' ? condition(answer) : undefined;
  }

  it('are announced for the account and the server', async () => {
    for (const to of ['romeo@localhost', 'localhost']) {
      const answer = await romeo.iq('get', to, "<query xmlns='http://jabber.org/protocol/disco#info'/>");
      const features = answer
        .elements()[0]!
        .elements()
        .map((feature) => feature.attribute('var'));
      expect(features).toContain(NS_PUSH);
    }
  });

  it.each([
    ['without a service', `<enable xmlns='${NS_PUSH}' node='n'/>`],
    ['with an empty service', `<enable xmlns='${NS_PUSH}' jid='' node='n'/>`],
    ['with a service that is no address', `<enable xmlns='${NS_PUSH}' jid='push@@test' node='n'/>`],
    ['with a service without a domain', `<enable xmlns='${NS_PUSH}' jid='service@/x' node='n'/>`],
    ['without a node', `<enable xmlns='${NS_PUSH}' jid='push.test'/>`],
    ['with an empty node', `<enable xmlns='${NS_PUSH}' jid='push.test' node=''/>`],
    ['with an endless node', `<enable xmlns='${NS_PUSH}' jid='push.test' node='${'n'.repeat(3_072)}'/>`],
    ['to disable without a service', `<disable xmlns='${NS_PUSH}' node='n'/>`],
    ['to disable with an empty node', `<disable xmlns='${NS_PUSH}' jid='push.test' node=''/>`],
    ['for something else', `<enamel xmlns='${NS_PUSH}' jid='push.test' node='n'/>`],
  ])('%s are bad', async (_what, payload) => {
    expect(await refused(payload)).toBe('bad-request');
    expect(await refused(payload, 'localhost')).toBe('bad-request');
  });

  it.each([
    ['of another kind', form('', 'submit', 'http://jabber.org/protocol/pubsub#node_config')],
    ['that is not filled in', form('', 'form')],
    ['without a kind', "<x xmlns='jabber:x:data' type='submit'/>"],
    ['with two values in one field', form(field('secret', 'a', 'b'))],
    ['with no value in a field', form(field('secret'))],
    ['with too many fields', form(Array.from({ length: 40 }, (_, i) => field(`f${i}`, 'x')).join(''))],
    ['with too much in it', form(field('secret', 'x'.repeat(9_000)))],
  ])('with a form %s are bad', async (_what, x) => {
    const answer = await enablePush(romeo, 'n', x);
    expect(condition(answer)).toBe('bad-request');
  });

  it('that ask for something are not allowed; those about somebody else are forbidden', async () => {
    const get = await romeo.iq('get', undefined, `<enable xmlns='${NS_PUSH}' jid='push.test' node='n'/>`);
    expect(condition(get)).toBe('not-allowed');
    const other = await enablePush(romeo, 'n', '', 'juliet@localhost');
    expect(condition(other)).toBe('forbidden');
  });

  it('work with and without a form, to the server and the account, and again', async () => {
    for (const to of ['localhost', 'romeo@localhost']) {
      expect((await enablePush(romeo, 'a', '', to)).attribute('type')).toBe('result');
      expect((await enablePush(romeo, 'b', form(field('secret', 'x')), to)).attribute('type')).toBe('result');
    }
    expect((await disablePush(romeo, 'a')).attribute('type')).toBe('result');
    expect((await disablePush(romeo)).attribute('type')).toBe('result');
    expect((await disablePush(romeo, 'never')).attribute('type')).toBe('result');
  });

  it('for more nodes than a user may have are refused; one that he has may be changed', async () => {
    const many = await TestClient.login(server.port(), 'many@localhost/a');
    for (const node of ['a', 'b', 'c'])
      expect((await enablePush(many, node)).attribute('type')).toBe('result');
    expect(condition(await enablePush(many, 'd'))).toBe('resource-constraint');
    expect((await enablePush(many, 'c', form(field('secret', 'x')))).attribute('type')).toBe('result');
    await disablePush(many, 'a');
    expect((await enablePush(many, 'd')).attribute('type')).toBe('result');
    await many.close();
  });

  it('are part of what a user is given about himself, and go with the account', async () => {
    const gone = await TestClient.login(server.port(), 'gone@localhost/a');
    await enablePush(gone, 'phone', form(field('secret', 'x')));
    const data = async (): Promise<string> => {
      const answer = await romeo.iq(
        'get',
        'localhost',
        "<export xmlns='urn:test:lab'>gone@localhost</export>",
      );
      const tables = JSON.parse(answer.elements()[0]!.text()) as { name: string; rows: unknown[] }[];
      return JSON.stringify(tables.find(({ name }) => name === 'push_subscription')!.rows);
    };
    expect(await data()).toBe(JSON.stringify([['push.test', 'phone', '{"secret":"x"}']]));
    await gone.close();
    await nobodyThere(romeo, 'gone@localhost');
    romeo.send(chat('gone@localhost', 'before'));
    expect((await published(watcher)).node).toBe('phone');
    await romeo.iq('set', 'localhost', "<remove xmlns='urn:test:lab'>gone@localhost</remove>");
    expect(await data()).toBe('[]');
    romeo.send(chat('gone@localhost', 'after'));
    romeo.send(chat('many@localhost', 'another'));
    expect(['b', 'c', 'd']).toContain((await published(watcher)).node);
  });
});
