import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';

/** The global hook `c2s_debug_traffic`: every element of every client, in both directions. */

const MODULE = new URL('../fixtures/modules/mod-traffic.ts', import.meta.url).pathname;
const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';
const NS_STREAM = 'http://etherx.jabber.org/streams';

let directory: string;
let file: string;
let server: TestServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mk-traffic-'));
  file = join(directory, 'seen');
  server = await TestServer.start({
    users: ['romeo', 'juliet'],
    shards: 2,
    toml: `[modules.mod_presence]\n[modules.mod_traffic]\n  path = "${MODULE}"\n  file = "${file}"\n`,
  });
});

beforeEach(() => writeFileSync(file, ''));

afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

interface Seen {
  readonly direction: string;
  readonly jid?: string;
  readonly name: string;
  readonly ns: string;
  readonly id?: string;
  readonly to?: string;
}

function seen(): Seen[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Seen);
}

/** Each element in short: who it is of, which way it goes, its name. */
function story(): string[] {
  return seen().map(({ direction, name }) => `${direction === 'client_to_server' ? '>' : '<'} ${name}`);
}

describe('c2s_debug_traffic', () => {
  it('shows a login from the first features on, and whose session it is from its binding on', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard', { isAvailable: false });
    await romeo.nothingElse();
    expect(story()).toEqual([
      '< features',
      '> auth',
      '< success',
      '< features',
      '> iq',
      '< iq',
      // The request that proves that nothing else is on its way.
      '> iq',
      '< iq',
    ]);
    const lines = seen();
    expect(lines.slice(0, 4).map(({ ns }) => ns)).toEqual([NS_STREAM, NS_SASL, NS_SASL, NS_STREAM]);
    expect(lines[1]!.jid).toBeUndefined();
    expect(lines.at(-1)!.jid).toBe('romeo@localhost/orchard');
    await romeo.close();
  });

  it('shows a stanza once on its way in and once on its way out, there with its accumulator', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    writeFileSync(file, '');
    romeo.send("<message id='m1' to='juliet@localhost/balcony' type='chat'><body>x</body></message>");
    await juliet.message();
    await romeo.nothingElse();
    expect(seen().filter(({ id }) => id === 'm1')).toEqual([
      { direction: 'client_to_server', jid: romeo.jid, name: 'message', ns: 'jabber:client', id: 'm1' },
      {
        direction: 'server_to_client',
        jid: juliet.jid,
        name: 'message',
        ns: 'jabber:client',
        id: 'm1',
        to: juliet.jid,
      },
    ]);
    await romeo.close();
    await juliet.close();
  });

  it('shows what is no stanza, and the error that ends a stream over it', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    writeFileSync(file, '');
    romeo.send("<unheard xmlns='urn:test:nonza'/>");
    expect(await romeo.streamError()).toBe('unsupported-stanza-type');
    expect(story().slice(0, 2)).toEqual(['> unheard', '< error']);
  });

  it('costs nobody anything when its handler fails', async () => {
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    const stranger = await TestClient.connect(server.port());
    await stranger.openStream('localhost');
    stranger.send("<fail xmlns='jabber:client'/>");
    expect(await stranger.streamError()).toBe('unsupported-stanza-type');
    await juliet.nothingElse();
    expect(server.log).toContain('"hook":"c2s_debug_traffic"');
    await juliet.close();
  });
});
