import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { client, type XmlElement, type XmppClient, xml } from '@xmpp/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FlakyProxy } from '../../helpers/flaky-proxy.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { AGENT } from '../../helpers/sasl2.ts';
import type { TestServer } from '../../helpers/server.ts';
import { NS_SM } from '../../helpers/stream-management.ts';
import { Arrivals } from './chat-client.ts';
import { startTlsServer } from './tls-server.ts';

/** A client library of another project logs in by SASL2, binds in the same breath, and comes back with a token. */

let server: TestServer;
let port: number;

beforeAll(async () => {
  const started = await startTlsServer(
    '[modules.mod_sasl2]\n[modules.mod_bind2]\n[modules.mod_fast_auth_token]\n[modules.mod_register]\n[modules.mod_stream_management]',
  );
  ({ server, port } = started);
  setDefaultCACertificates([...getCACertificates('bundled'), readFileSync(started.certfile, 'utf8')]);
});

afterAll(() => server.stop());

/** What the client said and heard that belongs to the login. */
interface Login {
  readonly jid: string;
  /** Mechanisms of its attempts. */
  readonly mechanisms: readonly (string | undefined)[];
  readonly successes: readonly XmlElement[];
  readonly token: object | undefined;
  readonly client: XmppClient;
}

/** A client that reaches the server by a port. */
function clientAt(at: number, password: string, token?: object): XmppClient {
  const one = client({
    service: `xmpp://127.0.0.1:${at}`,
    domain: 'localhost',
    resource: 'library',
    credentials: { username: 'romeo', password, ...(token === undefined ? {} : { token }) },
    userAgent: xml('user-agent', { id: AGENT }),
  });
  one.on('error', () => {});
  return one;
}

async function login(password: string, token?: object): Promise<Login> {
  const one = clientAt(port, password, token);
  one.reconnect.stop();
  const mechanisms: (string | undefined)[] = [];
  const successes: XmlElement[] = [];
  one.on('send', (element) => {
    if (element.is('authenticate', 'urn:xmpp:sasl:2')) mechanisms.push(element.attrs['mechanism']);
  });
  one.on('element', (element) => {
    if (element.is('success', 'urn:xmpp:sasl:2')) successes.push(element);
  });
  const jid = (await one.start()).toString();
  return { jid, mechanisms, successes, token: await one.fast.fetchToken(), client: one };
}

/** The client is in its session: the server answers it. */
async function ping({ client: one }: Login): Promise<void> {
  const answer = await one.iqCaller.request(
    xml('iq', { type: 'get', to: 'localhost' }, xml('ping', { xmlns: 'urn:xmpp:ping' })),
  );
  expect(answer.attrs['type']).toBe('result');
}

describe('@xmpp/client', () => {
  it('comes back after a break with a token, and resumes its session in the same request', async () => {
    const network = await FlakyProxy.start(port, 1);
    const one = clientAt(network.port, 'secret');
    one.reconnect.delay = 50;
    const mechanisms: (string | undefined)[] = [];
    const successes: XmlElement[] = [];
    const bodies = new Arrivals<string>('a message to romeo');
    const resumptions = new Arrivals<void>('romeo resumed');
    one.on('send', (element) => {
      if (element.is('authenticate', 'urn:xmpp:sasl:2')) mechanisms.push(element.attrs['mechanism']);
    });
    one.on('element', (element) => {
      if (element.is('success', 'urn:xmpp:sasl:2')) successes.push(element);
    });
    one.on('stanza', (stanza) => {
      const body = stanza.getChildText('body');
      if (body !== null) bodies.push(body);
    });
    one.streamManagement.on('resumed', () => resumptions.push());
    const jid = (await one.start()).toString();
    const bound = successes[0]!.getChild('bound', 'urn:xmpp:bind:0')!;
    expect(bound.getChild('enabled', NS_SM)!.attrs['resume']).toBe('true');
    const ping = xml('iq', { type: 'get', to: 'localhost' }, xml('ping', { xmlns: 'urn:xmpp:ping' }));
    for (let i = 1; i <= 3; i++) {
      network.cutAll();
      await resumptions.next();
      const resumed = successes[i]!.getChild('resumed', NS_SM);
      expect([resumed === undefined, successes[i]!.getChild('bound', 'urn:xmpp:bind:0')]).toEqual([
        false,
        undefined,
      ]);
      expect(successes[i]!.getChildText('authorization-identifier')).toBe(jid);
      await one.send(xml('message', { to: jid, type: 'chat' }, xml('body', {}, `round ${i}`)));
      expect(await bodies.next()).toBe(`round ${i}`);
      expect((await one.iqCaller.request(ping)).attrs['type']).toBe('result');
    }
    expect(mechanisms).toEqual(['SCRAM-SHA-1', ...Array(3).fill('HT-SHA-256-NONE')]);
    expect(successes).toHaveLength(4);
    one.reconnect.stop();
    await one.stop();
    await network.stop();
  });

  it('binds with its login, gets a token, and comes back with it until the password changes', async () => {
    const first = await login('secret');
    expect(first.mechanisms).toEqual(['SCRAM-SHA-1']);
    expect(first.jid).toMatch(/^romeo@localhost\/library\/[\w-]{16}$/);
    expect(first.successes[0]!.getChild('bound', 'urn:xmpp:bind:0')).toBeDefined();
    await ping(first);
    const { token } = first;
    expect(token).toMatchObject({ mechanism: 'HT-SHA-256-NONE' });
    await first.client.stop();

    for (let i = 0; i < 2; i++) {
      const again = await login('not the password', token);
      expect(again.mechanisms).toEqual(['HT-SHA-256-NONE']);
      expect(again.jid).not.toBe(first.jid);
      await ping(again);
      await again.client.stop();
    }

    const changed = await meerkat([
      'user',
      'passwd',
      'romeo@localhost',
      'other',
      '--config',
      server.configFile,
    ]);
    expect(changed.status).toBe(0);
    // The token is refused; the client falls back to the password on the same stream, and asks for another token.
    const last = await login('other', token);
    expect(last.mechanisms).toEqual(['HT-SHA-256-NONE', 'SCRAM-SHA-1']);
    expect(last.token).not.toEqual(token);
    await ping(last);
    await last.client.stop();
  });
});
