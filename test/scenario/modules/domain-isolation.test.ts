import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition, errorType, fixture } from './support.ts';

/** mod_domain_isolation: what comes from another domain is dropped, and its sender told. */

const LAB = fixture('mod_lab', 'mod-lab.ts', 'subdomain = "rooms.one.example"');

describe('domain isolation', () => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;
  let paris: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({
      users: ['romeo@one.example', 'juliet@one.example', 'paris@two.example'],
      config: `[general]
  hosts = ["one.example", "two.example"]
  loglevel = "warning"
  shards = 2
[[listen.c2s]]
  port = 0
  ip_address = "127.0.0.1"
[storage]
  directory = "./data"
[[host_config]]
  host = "one.example"
  [host_config.modules.mod_presence]
  [host_config.modules.mod_domain_isolation]
  ${LAB.replace('[modules.', '[host_config.modules.')}
[[host_config]]
  host = "two.example"
  [host_config.modules.mod_presence]
  [host_config.modules.mod_offline]
  [host_config.modules.mod_time]
  [host_config.modules.mod_domain_isolation]
`,
    });
    romeo = await TestClient.login(server.port(), 'romeo@one.example/orchard');
    juliet = await TestClient.login(server.port(), 'juliet@one.example/balcony');
    paris = await TestClient.login(server.port(), 'paris@two.example/hall');
  });

  afterAll(() => server.stop());

  function expectFiltered(error: Element): void {
    expect(error.attribute('type')).toBe('error');
    expect(condition(error)).toBe('service-unavailable');
    expect(errorType(error)).toBe('cancel');
    expect(error.child('error')!.childText('text', 'urn:ietf:params:xml:ns:xmpp-stanzas')).toBe(
      'Filtered by the domain isolation',
    );
  }

  it('lets pass what stays within a domain', async () => {
    romeo.send("<message to='juliet@one.example/balcony' type='chat'><body>x</body></message>");
    expect((await juliet.message()).childText('body')).toBe('x');
  });

  it.each([
    "<message to='paris@two.example' type='chat' id='m'><body>x</body></message>",
    "<message to='paris@two.example/hall' type='groupchat' id='m'><body>x</body></message>",
    "<message to='nobody@two.example' id='m'><body>x</body></message>",
    "<presence to='paris@two.example/hall' id='p'/>",
    "<presence to='paris@two.example' type='subscribe' id='p'/>",
    "<iq to='paris@two.example/hall' type='get' id='i'><q xmlns='x'/></iq>",
    "<iq to='two.example' type='get' id='i'><time xmlns='urn:xmpp:time'/></iq>",
  ])('sends back to another domain: %s', async (stanza) => {
    romeo.send(stanza);
    expectFiltered(await romeo.element());
    await paris.nothingElse();
  });

  it('works in both directions', async () => {
    paris.send("<message to='romeo@one.example' id='m'><body>x</body></message>");
    expectFiltered(await paris.element());
    await romeo.nothingElse();
  });

  it('drops errors and answers without a word', async () => {
    romeo.send("<message to='paris@two.example/hall' type='error'><body>x</body></message>");
    romeo.send("<presence to='paris@two.example/hall' type='error'/>");
    romeo.send("<iq to='paris@two.example/hall' type='result' id='i'/>");
    await romeo.nothingElse();
    await paris.nothingElse();
  });

  it('counts a subdomain as its domain', async () => {
    romeo.send("<message to='rooms.one.example' id='m'><body>x</body></message>");
    await romeo.nothingElse();
    paris.send("<message to='rooms.one.example' id='m'><body>x</body></message>");
    expectFiltered(await paris.element());
  });
});
