import { createHmac } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { credentialsFor } from '../../../src/modules/mod-extdisco/credentials.ts';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition, errorType } from './support.ts';

/** mod_extdisco (XEP-0215): where clients find servers for their calls. */

const NS = 'urn:xmpp:extdisco:2';
const SERVICES = `<services xmlns='${NS}'/>`;
const open: (TestServer | TestClient)[] = [];

async function start(module: string): Promise<TestClient> {
  const server = await TestServer.start({
    users: ['romeo'],
    toml: `[modules.mod_presence]\n[modules.mod_disco]\n${module}`,
  });
  const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  open.push(romeo, server);
  return romeo;
}

afterAll(async () => {
  for (const one of open) await (one instanceof TestServer ? one.stop() : one.close());
});

const FULL = `
[modules.mod_extdisco]
  [[modules.mod_extdisco.service]]
    type = "stun"
    host = "192.0.2.1"
  [[modules.mod_extdisco.service]]
    type = "turn"
    host = "turn.example"
    port = 3478
    transport = "udp"
    username = "guest"
    password = "a<b&'c"
  [[modules.mod_extdisco.service]]
    type = "turn"
    host = "turn.example"
    port = 5349
    transport = "tcp"
    secret = "my shared secret"
`;

function attributes(list: Element): Record<string, string>[] {
  return list.elements().map((service) => Object.fromEntries(service.attributes));
}

async function services(romeo: TestClient, request: string, name = 'services'): Promise<Element> {
  return (await romeo.iq('get', 'localhost', request)).child(name, NS)!;
}

const STUN = { type: 'stun', host: '192.0.2.1' };
const GUEST = {
  type: 'turn',
  host: 'turn.example',
  port: '3478',
  transport: 'udp',
  username: 'guest',
  password: "a<b&'c",
};

describe('external services', () => {
  it('are not there without the module', async () => {
    const romeo = await start('');
    expect(condition(await romeo.iq('get', 'localhost', SERVICES))).toBe('service-unavailable');
  });

  it('are none where none is configured', async () => {
    const romeo = await start('[modules.mod_extdisco]');
    expect(attributes(await services(romeo, SERVICES))).toEqual([]);
  });

  it('are listed with what is known of them, and with credentials of the user', async () => {
    const romeo = await start(FULL);
    const all = attributes(await services(romeo, SERVICES));
    expect(all).toHaveLength(3);
    expect(all.slice(0, 2)).toEqual([STUN, GUEST]);
    const { username, password, expires, ...rest } = all[2]!;
    expect(rest).toEqual({ type: 'turn', host: 'turn.example', port: '5349', transport: 'tcp' });
    const [seconds, user] = username!.split(':');
    expect(user).toBe('romeo@localhost');
    expect(new Date(Number(seconds) * 1_000).toISOString().replace('.000', '')).toBe(expires);
    const hours = (Number(seconds) - Date.now() / 1_000) / 3_600;
    expect(hours).toBeGreaterThan(0.9);
    expect(hours).toBeLessThanOrEqual(1);
    expect(password).toBe(createHmac('sha1', 'my shared secret').update(username!).digest('base64'));
  });

  it('are listed by type, which is repeated; one that there is none of gives nothing', async () => {
    const romeo = await start(FULL);
    const stun = await services(romeo, `<services xmlns='${NS}' type='stun'/>`);
    expect([stun.attribute('type'), attributes(stun)]).toEqual(['stun', [STUN]]);
    const turn = await services(romeo, `<services xmlns='${NS}' type='turn'/>`);
    expect(attributes(turn).map(({ port }) => port)).toEqual(['3478', '5349']);
    const none = await services(romeo, `<services xmlns='${NS}' type='__proto__'/>`);
    expect(attributes(none)).toEqual([]);
    const ask = (more: string): string =>
      `<credentials xmlns='${NS}'><service ${more} type='turn'/></credentials>`;
    const found = await services(romeo, ask("host='turn.example'"), 'credentials');
    expect(attributes(found).map(({ username }) => username?.replace(/^[0-9]+/, 'N'))).toEqual([
      'guest',
      'N:romeo@localhost',
    ]);
    const one = await services(romeo, ask("host='turn.example' port='3478'"), 'credentials');
    expect(attributes(one)).toEqual([GUEST]);
    expect(condition(await romeo.iq('get', 'localhost', ask("host='elsewhere'")))).toBe('item-not-found');
  });

  it.each([
    ['set', SERVICES],
    ['get', `<others xmlns='${NS}'/>`],
    ['get', `<credentials xmlns='${NS}'/>`],
    ['get', `<credentials xmlns='${NS}'><service type='turn'/></credentials>`],
    ['get', `<credentials xmlns='${NS}'><service host='turn.example'/></credentials>`],
    ['get', `<credentials xmlns='${NS}'><x host='turn.example' type='turn'/></credentials>`],
    [
      'get',
      `<credentials xmlns='${NS}'><service xmlns='urn:x' host='turn.example' type='turn'/></credentials>`,
    ],
  ] as const)('%s %s is a bad request', async (type, payload) => {
    const romeo = (open.filter((one) => one instanceof TestClient) as TestClient[]).at(-1)!;
    expect(condition(await romeo.iq(type, 'localhost', payload))).toBe('bad-request');
  });

  it('are for the users of their own host type alone', async () => {
    const server = await TestServer.start({
      hosts: ['localhost', 'other.example'],
      users: ['romeo', 'paris@other.example'],
      toml: `[modules.mod_presence]\n${FULL}
        [[host_config]]
          host = "other.example"
          [host_config.modules.mod_presence]`,
    });
    const paris = await TestClient.login(server.port(), 'paris@other.example/x');
    open.push(paris, server);
    const credentials = `<credentials xmlns='${NS}'><service host='turn.example' type='turn'/></credentials>`;
    for (const payload of [SERVICES, credentials]) {
      const answer = await paris.iq('get', 'localhost', payload);
      expect([condition(answer), errorType(answer)]).toEqual(['forbidden', 'auth']);
    }
    expect(condition(await paris.iq('get', 'other.example', SERVICES))).toBe('service-unavailable');
  });

  it('have the credentials that other implementations compute', () => {
    expect(credentialsFor('my shared secret', 'dummy_user', 100)).toEqual({
      username: '100:dummy_user',
      password: 'aBGRg1t/TGlc9+gkWObW2Li97Ew=',
    });
    expect(credentialsFor('secret123', 'dummy_user@example.org', 10_000).password).toBe(
      'CKDrp61KWUnSXKusLAMKmL0qcQo=',
    );
  });

  it.each([
    ['secret = "s"\n    username = "u"', 'secret excludes username and password'],
    ['port = 70000', 'service'],
    ['transport = "sctp"', 'transport'],
    ['host = ""', 'host'],
  ])('with %s are a mistake in the configuration', async (line, expected) => {
    const host = line.startsWith('host') ? '' : 'host = "h"';
    const module = `[modules.mod_extdisco]\n  [[modules.mod_extdisco.service]]\n    type = "turn"\n    ${host}\n    ${line}`;
    await expect(start(module)).rejects.toThrow(expected);
  });
});
