import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';
import { Spy } from '../helpers/spy.ts';

/** The order of hooks in a stanza's way, and what STOP, DROP, a change and a failure do at each place. */

const SENT = ['user_send_packet', 'user_send_message', 'filter_packet', 'filter_local_packet'];
const RECEIVED = ['user_receive_packet', 'user_receive_message', 'xmpp_presend_element', 'xmpp_send_element'];

describe.each([1, 2])('hooks on %i shards', (shards) => {
  const spy = new Spy();
  let server: TestServer;
  let alice: TestClient;
  let bob: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({
      shards,
      users: ['alice', 'bob', 'carol'],
      toml: `[modules.mod_presence]\n[modules.mod_offline]\n${spy.toml()}`,
    });
    alice = await TestClient.login(server.port(), 'alice@localhost/desk');
    bob = await TestClient.login(server.port(), 'bob@localhost/phone');
  });

  afterAll(() => server.stop());

  beforeEach(() => spy.forget());

  async function say(body: string, id: string, to = 'bob@localhost/phone'): Promise<void> {
    alice.send(`<message to='${to}' type='chat' id='${id}'><body>${body}</body></message>`);
    await alice.nothingElse();
  }

  it('takes a message through the sender’s hooks, the router’s, then the recipient’s', async () => {
    await say('hello', 'm1');
    await bob.message();
    expect(spy.hooksOf('m1')).toEqual([...SENT, ...RECEIVED]);
  });

  it('runs the hook of an IQ in place of the message’s, on both sides', async () => {
    alice.send("<iq type='get' id='i1' to='bob@localhost/phone'><q xmlns='urn:test'/></iq>");
    await bob.until((e) => e.attribute('id') === 'i1');
    const expected = [...SENT, ...RECEIVED].map((hook) => hook.replace('_message', '_iq'));
    expect(spy.hooksOf('i1')).toEqual(expected);
    bob.send("<iq type='result' id='i1' to='alice@localhost/desk'/>");
    await alice.until((e) => e.attribute('id') === 'i1');
  });

  it('leaves routing presence to mod_presence, which runs before the router', async () => {
    alice.send("<presence to='bob@localhost/phone' id='p1'/>");
    await bob.until((e) => e.attribute('id') === 'p1');
    const expected = [...SENT, ...RECEIVED].map((hook) => hook.replace('_message', '_presence'));
    expect(spy.hooksOf('p1')).toEqual(expected);
  });

  it.each(['user_send_packet', 'user_send_message'])('ends at %s when a handler stops', async (hook) => {
    await say(`stop ${hook}`, `stop-${hook}`);
    await bob.nothingElse();
    expect(spy.hooksOf(`stop-${hook}`)).toEqual(SENT.slice(0, SENT.indexOf(hook) + 1));
  });

  it.each(['filter_packet', 'filter_local_packet'])('drops silently at %s', async (hook) => {
    await say(`drop ${hook}`, `drop-${hook}`);
    await bob.nothingElse();
    expect(spy.hooksOf(`drop-${hook}`)).toEqual(SENT.slice(0, SENT.indexOf(hook) + 1));
  });

  it.each(['user_receive_packet', 'user_receive_message', 'xmpp_presend_element'])(
    'is not written when a handler of %s stops',
    async (hook) => {
      await say(`stop ${hook}`, `stop-${hook}`);
      await bob.nothingElse();
      const expected = [...SENT, ...RECEIVED.slice(0, RECEIVED.indexOf(hook) + 1)];
      await expect.poll(() => spy.hooksOf(`stop-${hook}`)).toEqual(expected);
    },
  );

  it.each([...SENT, ...RECEIVED])('goes on when a handler of %s throws', async (hook) => {
    await say(`throw ${hook}`, `throw-${hook}`);
    expect((await bob.message()).attribute('id')).toBe(`throw-${hook}`);
    expect(spy.hooksOf(`throw-${hook}`)).toEqual([...SENT, ...RECEIVED]);
  });

  it.each([...SENT, ...RECEIVED])('goes on when a handler of %s rejects', async (hook) => {
    await say(`reject ${hook}`, `reject-${hook}`);
    expect((await bob.message()).attribute('id')).toBe(`reject-${hook}`);
  });

  it.each([...SENT, ...RECEIVED.slice(0, 3)])('keeps order while a handler of %s waits', async (hook) => {
    alice.send(
      `<message to='bob@localhost/phone' id='w0'><body>first</body></message>` +
        `<message to='bob@localhost/phone' id='w1'><body>wait ${hook}</body></message>` +
        `<message to='bob@localhost/phone' id='w2'><body>last</body></message>`,
    );
    for (const id of ['w0', 'w1', 'w2']) expect((await bob.message()).attribute('id')).toBe(id);
  });

  it.each([...SENT, ...RECEIVED.slice(0, 3)])(
    'delivers what a handler of %s made of the message',
    async (hook) => {
      await say(`change ${hook}`, `change-${hook}`);
      const message = await bob.message();
      expect(message.attribute('xml:lang')).toBe(hook);
      expect(message.attribute('from')).toBe('alice@localhost/desk');
      expect(message.attribute('to')).toBe('bob@localhost/phone');
      expect(message.childText('body')).toBe(`change ${hook}`);
    },
  );

  it('asks whether an absent user exists and whether his list allows it, then runs offline_message', async () => {
    await say('hello', 'off1', 'carol@localhost/gone');
    const hooks = spy.lines().map((line) => line.hook);
    const at = hooks.indexOf('sm_filter_offline_message');
    expect(hooks.slice(at, at + 4)).toEqual([
      'sm_filter_offline_message',
      'does_user_exist',
      'privacy_check_packet',
      'offline_message',
    ]);
  });

  it('runs the hooks of a session that comes and goes in their order', async () => {
    const carol = await TestClient.login(server.port(), 'carol@localhost/tab');
    await carol.close();
    await expect.poll(() => spy.lines().some((line) => line.hook === 'reroute_unacked_messages')).toBe(true);
    const interesting = new Set([
      'c2s_stream_features',
      'user_open_session',
      'session_opening_allowed_for_user',
      'sm_register_connection',
      'roster_get_subscription_lists',
      'set_presence',
      'user_available',
      'resend_offline_messages',
      'user_terminate',
      'unset_presence',
      'sm_remove_connection',
      'reroute_unacked_messages',
    ]);
    const hooks = spy
      .lines()
      .map((line) => line.hook)
      .filter((hook) => interesting.has(hook));
    expect(hooks).toEqual([
      'c2s_stream_features',
      'c2s_stream_features',
      'user_open_session',
      'session_opening_allowed_for_user',
      'sm_register_connection',
      'roster_get_subscription_lists',
      'set_presence',
      'user_available',
      'resend_offline_messages',
      'user_terminate',
      'unset_presence',
      'sm_remove_connection',
      'reroute_unacked_messages',
    ]);
  });
});
