import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { login2, tlsConfig } from '../../helpers/sasl2.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition, fixture } from './support.ts';

const isPing = (element: Element): boolean => element.child('ping', 'urn:xmpp:ping') !== undefined;

/** mod_ping (XEP-0199): clients ask whether the server is there, and the server whether clients are. */

const PING = "<ping xmlns='urn:xmpp:ping'/>";

describe.each([1, 2])('pings of clients on %i shards', (shards) => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;

  beforeAll(async () => {
    const entries =
      'entries = [{ user = "juliet@localhost", contact = "nurse@localhost", subscription = "both" }]';
    server = await TestServer.start({
      shards,
      users: ['romeo', 'juliet', 'nurse'],
      toml: `[modules.mod_presence]\n[modules.mod_disco]\n[modules.mod_ping]\n${fixture('mod_roster', 'mod-roster-stub.ts', entries)}`,
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
  });

  afterAll(() => server.stop());

  it.each(['localhost', 'romeo@localhost', undefined])('to %s are answered by the server', async (to) => {
    const answer = await romeo.iq('get', to, PING);
    expect(answer.attribute('type')).toBe('result');
    expect(answer.elements()).toEqual([]);
    expect(answer.attribute('from')).toBe(to ?? 'romeo@localhost');
  });

  it('to a contact’s account are answered, to a stranger’s as if there were none', async () => {
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/hall');
    expect((await nurse.iq('get', 'juliet@localhost', PING)).attribute('type')).toBe('result');
    const real = await romeo.iq('get', 'juliet@localhost', PING);
    const imagined = await romeo.iq('get', 'nobody@localhost', PING);
    expect([condition(real), condition(imagined)]).toEqual(['service-unavailable', 'service-unavailable']);
    await nurse.close();
  });

  it('to another client reach it, and its answer comes back (XEP-0199 §4.4)', async () => {
    romeo.send(`<iq type='get' id='e2e' to='juliet@localhost/balcony'>${PING}</iq>`);
    const ping = await juliet.until((element) => element.name === 'iq');
    expect(ping.child('ping', 'urn:xmpp:ping')).toBeDefined();
    juliet.send("<iq type='result' id='e2e' to='romeo@localhost/orchard'/>");
    const answer = await romeo.until((element) => element.name === 'iq');
    expect([answer.attribute('type'), answer.attribute('from')]).toEqual(['result', juliet.jid]);
  });

  it.each([
    ['set', PING],
    ['get', "<pong xmlns='urn:xmpp:ping'/>"],
  ] as const)('of type %s with %s are no pings', async (type, payload) => {
    for (const to of ['localhost', 'romeo@localhost']) {
      expect(condition(await romeo.iq(type, to, payload))).toBe('feature-not-implemented');
    }
  });

  it('are announced', async () => {
    const info = 'http://jabber.org/protocol/disco#info';
    const answer = await romeo.iq('get', 'localhost', `<query xmlns='${info}'/>`);
    const features = answer
      .child('query', info)!
      .elements()
      .map((one) => one.attribute('var'));
    expect(features).toContain('urn:xmpp:ping');
  });
});

describe.each(['none', 'kill'] as const)('pings of the server, action %s', (action) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({
      users: ['romeo'],
      toml: `
        [[listen.http]]
          port = 0
          ip_address = "127.0.0.1"
        [modules.mod_presence]
        [modules.mod_ping]
          send_pings = true
          ping_interval = 1
          ping_req_timeout = 5
          timeout_action = "${action}"`,
    });
  });

  afterAll(() => server.stop());

  async function silent(resource: string): Promise<TestClient> {
    const client = await TestClient.login(server.port(), `romeo@localhost/${resource}`);
    await client.nothingElse();
    return client;
  }

  /** The values of the module's counters, over all shards. */
  async function counted(name: string): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${server.port('http')}/metrics`);
    const line = new RegExp(`^meerkat_module_events_total\\{event="mod_ping_${name}"\\} ([0-9.]+)$`, 'm');
    const found = line.exec(await response.text());
    return Number(found?.[1] ?? 0);
  }

  async function untilCounted(name: string, wanted: number): Promise<void> {
    while ((await counted(name)) < wanted) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  it('come to a silent client, which stays as long as it answers; the answer goes no further', async () => {
    const client = await silent('answers');
    const ids = new Set<string | undefined>();
    const before = await counted('response');
    for (let i = 0; i < 3; i++) {
      const ping = await client.until(isPing);
      expect([ping.attribute('type'), ping.attribute('from'), ping.attribute('to')]).toEqual([
        'get',
        'localhost',
        client.jid,
      ]);
      ids.add(ping.attribute('id'));
      client.send(`<iq type='result' id='${ping.attribute('id')}' to='localhost'/>`);
      await client.nothingElse();
    }
    expect(ids.size).toBe(3);
    await untilCounted('response', before + 3);
    await client.close();
  });

  it.each(['service-unavailable', 'feature-not-implemented'])('are answered by %s, too', async (name) => {
    const client = await silent('old');
    for (let i = 0; i < 2; i++) {
      const ping = await client.until(isPing);
      client.send(
        `<iq type='error' id='${ping.attribute('id')}' to='localhost'><error type='cancel'>` +
          `<${name} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
      );
      // Neither bounced nor taken for a failure.
      await client.nothingElse();
    }
    await client.close();
  });

  it(action === 'kill' ? 'end a session that answers with another error' : 'leave it there', async () => {
    const client = await silent('odd');
    const ping = await client.until(isPing);
    client.send(
      `<iq type='error' id='${ping.attribute('id')}' to='localhost'><error type='cancel'>` +
        "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
    );
    if (action === 'kill') {
      await client.expect('close');
      await client.expect('disconnected');
    } else {
      await client.nothingElse();
      await client.close();
    }
  });

  it(
    action === 'kill' ? 'end a session that does not answer' : 'leave one that does not answer',
    async () => {
      const before = await counted('response_timeout');
      const client = await silent('deaf');
      await client.until(isPing);
      if (action === 'kill') {
        await client.expect('close');
        await client.expect('disconnected');
      }
      await untilCounted('response_timeout', before + 1);
      if (action === 'none') {
        await client.nothingElse();
        await client.close();
      }
    },
  );
});

describe('a client that nobody looks at (XEP-0352)', () => {
  it('gets pings at once, behind what waited, and stays', async () => {
    const server = await TestServer.start({
      users: ['romeo', 'juliet'],
      toml: `
        [modules.mod_presence]
        [modules.mod_csi]
        [modules.mod_ping]
          send_pings = true
          ping_interval = 1
          ping_req_timeout = 5
          timeout_action = "kill"`,
    });
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      romeo.send("<inactive xmlns='urn:xmpp:csi:0'/>");
      for (const body of ['one', 'two', 'three']) {
        const ping = await romeo.until(isPing);
        romeo.send(`<iq type='result' id='${ping.attribute('id')}' to='localhost'/>`);
        // She does not stay until she is pinged herself.
        const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
        juliet.send(`<message to='${romeo.jid}' type='chat'><body>${body}</body></message>`);
        await juliet.close();
        expect((await romeo.element()).childText('body')).toBe(body);
      }
      await romeo.close();
    } finally {
      await server.stop();
    }
  });
});

describe('a client that binds, and says nothing after that', () => {
  it.each(['in the classic way', 'with its login (XEP-0386)'])(
    '%s is pinged, and its end is noticed',
    async (way) => {
      // Nobody shall answer, so there is nothing to wait for.
      const pinging = `
        [modules.mod_ping]
          send_pings = true
          ping_interval = 1
          ping_req_timeout = 1
          timeout_action = "kill"`;
      const isClassic = way === 'in the classic way';
      const server = await TestServer.start({
        users: ['romeo'],
        ...(isClassic
          ? { toml: pinging }
          : { config: tlsConfig(`[modules.mod_sasl2]\n[modules.mod_bind2]${pinging}`) }),
      });
      try {
        const romeo = isClassic
          ? await TestClient.login(server.port(), 'romeo@localhost/orchard', { isAvailable: false })
          : (await login2(server, 'romeo')).client;
        const ping = await romeo.until(isPing);
        expect(ping.attribute('type')).toBe('get');
        while ((await romeo.next()).kind !== 'disconnected');
      } finally {
        await server.stop();
      }
    },
  );
});

describe('a session that does not answer and that another module wants to keep', () => {
  it('loses its connection and stays, as one does that may be resumed', async () => {
    const server = await TestServer.start({
      users: ['romeo', 'juliet'],
      toml: `
        [modules.mod_presence]
        [modules.mod_ping]
          send_pings = true
          ping_interval = 1
          ping_req_timeout = 5
          timeout_action = "kill"
        ${fixture('mod_keeper', 'mod-keeper.ts')}`,
    });
    try {
      const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/deaf');
      // Juliet's client answers.
      const heard = await juliet.until((element) => {
        if (isPing(element)) {
          juliet.send(`<iq type='result' id='${element.attribute('id')}' to='localhost'/>`);
        }
        return element.name === 'message';
      });
      expect([heard.attribute('from'), heard.childText('body')]).toEqual([romeo.jid, 'ping_timeout']);
      while ((await romeo.next()).kind !== 'disconnected');
      const { stdout } = await meerkat(['--config', server.configFile, 'session', 'list', 'romeo@localhost']);
      expect(stdout).toContain(romeo.jid);
    } finally {
      await server.stop();
    }
  });
});
