import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';
import { header } from '../helpers/xml.ts';

/** Threat T59: an operator's hooks that throw, reject, never come back or talk nonsense. They cost a stanza or a wait, and only one session. */

const MODULE = new URL('../fixtures/modules/mod-misbehaving.ts', import.meta.url).pathname;
const HOOKS = [
  'user_send_packet',
  'user_send_message',
  'filter_packet',
  'filter_local_packet',
  'user_receive_packet',
  'user_receive_message',
  'xmpp_presend_element',
  'xmpp_send_element',
];
let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;
let nurse: TestClient;

beforeAll(async () => {
  server = await TestServer.start({
    users: ['romeo', 'juliet', 'nurse'],
    shards: 2,
    general: 'hook_timeout = 300',
    toml: `[modules.mod_presence]\n[modules.mod_misbehaving]\n  path = "${MODULE}"`,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
  nurse = await TestClient.login(server.port(), 'nurse@localhost/hall');
});

afterAll(() => server.stop());

/** Sends two messages, of which the first asks for trouble, and returns the bodies that arrive. */
async function trouble(verb: string, hook: string): Promise<string[]> {
  romeo.send(`<message to='juliet@localhost/balcony' type='chat'><body>${verb} ${hook}</body></message>`);
  romeo.send("<message to='juliet@localhost/balcony' type='chat'><body>next</body></message>");
  const bodies: string[] = [];
  while (bodies.at(-1) !== 'next') bodies.push((await juliet.message()).childText('body')!);
  return bodies;
}

describe.each(HOOKS)('a handler of %s', (hook) => {
  it.each(['throw', 'throw-nothing', 'throw-late', 'reject', 'nonsense', 'recurse', 'mutate'])(
    'that does «%s» is passed over: the message goes on as it was, and so does everything else',
    async (verb) => {
      // Other filters fail open, too: both messages arrive.
      expect(await trouble(verb, hook)).toEqual([`${verb} ${hook}`, 'next']);
      await nurse.nothingElse();
    },
  );

  it('that never comes back is waited for until hook_timeout; others go on meanwhile', async () => {
    romeo.send(`<message to='juliet@localhost/balcony' type='chat'><body>never ${hook}</body></message>`);
    romeo.send("<message to='juliet@localhost/balcony' type='chat'><body>next</body></message>");
    // Far more than once around before the deadline.
    for (let i = 0; i < 5; i++) {
      nurse.send("<message to='nurse@localhost/hall' type='chat'><body>self</body></message>");
      expect((await nurse.message()).childText('body')).toBe('self');
    }
    expect((await juliet.message()).childText('body')).toBe(`never ${hook}`);
    expect((await juliet.message()).childText('body')).toBe('next');
  });
});

describe('handlers around the stream', () => {
  it.each(['throw', 'reject', 'throw-late', 'never', 'nonsense'])(
    'one of user_send_xmlel before login that does «%s»: the element counts as unknown, or as handled',
    async (verb) => {
      const client = await TestClient.connect(server.port());
      client.send(header());
      await client.expect('open');
      await client.element();
      client.send(`<bad xmlns='urn:test:bad' do='${verb}'/>`);
      if (verb === 'nonsense') client.send('<!-- -->');
      expect(await client.streamError()).toBe(
        verb === 'nonsense' ? 'restricted-xml' : 'unsupported-stanza-type',
      );
      await nurse.nothingElse();
    },
  );

  it('those of the beginning and the end of a session may throw: it begins and ends all the same', async () => {
    const doomed = await TestClient.login(server.port(), 'nurse@localhost/doomed');
    doomed.cut();
    const again = await TestClient.login(server.port(), 'nurse@localhost/doomed');
    await again.close();
    nurse.heardNow();
    await nurse.nothingElse().catch(() => nurse.heardNow());
  });

  it('one of c2s_stream_features that throws: the stream offers its own features', async () => {
    const client = await TestClient.connect(server.port());
    client.send(header({ 'xml:lang': 'xx-throw' }));
    await client.expect('open');
    expect((await client.element()).elements().map((e) => e.name)).toContain('mechanisms');
    client.cut();
  });

  it('all of it is in the log, with module and hook', () => {
    for (const hook of [...HOOKS, 'user_send_xmlel', 'user_terminate', 'sm_remove_connection']) {
      expect(server.log).toMatch(new RegExp(`"hook":"${hook}","module":"mod_misbehaving`));
    }
    expect(server.log).not.toMatch(/shard_died|c2s_crashed/);
  });
});
