import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';
import { header } from '../helpers/xml.ts';

/** Stream compression is not offered: XEP-0138 §8 itself warns of it (threat T08). */

const COMPRESS = "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>";
const SRC = new URL('../../src', import.meta.url).pathname;

describe('XEP-0138', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ users: ['romeo'], shards: 1 });
  });

  afterAll(() => server.stop());

  it('is not among the features, before login and after', async () => {
    const client = await TestClient.connect(server.port());
    client.send(header());
    await client.expect('open');
    const features = [await client.element()];
    client.send(
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${Buffer.from('\0romeo\0secret').toString('base64')}</auth>`,
    );
    await client.element();
    features.push(await client.openStream('localhost'));
    for (const one of features)
      expect(one.elements().filter(({ ns }) => ns.includes('compress'))).toEqual([]);
    await client.close();
  });

  it('is an unknown element to a stranger and to a user (RFC 6120 §4.9.3.24)', async () => {
    const stranger = await TestClient.connect(server.port());
    stranger.send(header());
    await stranger.expect('open');
    await stranger.element();
    stranger.send(COMPRESS);
    expect(await stranger.streamError()).toBe('unsupported-stanza-type');
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    romeo.send(COMPRESS);
    expect(await romeo.streamError()).toBe('unsupported-stanza-type');
  });

  it('has no code: nothing that is read on any way is ever inflated', () => {
    const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    expect(files.length).toBeGreaterThan(100);
    const importers = files.filter((name) => readFileSync(join(SRC, name), 'utf8').includes('zlib'));
    expect(importers).toEqual([]);
  });
});
