import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';

/** `[shaper.NAME]` on a listener (config.md §5): what a client sends above the rate waits; nothing is lost, and the order stays. */

const RATE = 20_000;
const BURST = 4_000;
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    users: ['romeo', 'juliet'],
    c2s: 'shaper = "slow"',
    moreC2s: [''],
    toml: `
      [shaper.slow]
        max_rate = ${RATE}
        burst = ${BURST}
      [modules.mod_presence]`,
  });
});

afterAll(() => server.stop());

describe('a shaped connection', () => {
  it('is read no faster than its rate in the long run, in order', async () => {
    const romeo = await TestClient.login(server.port('c2s', 0), 'romeo@localhost/shaped');
    const juliet = await TestClient.login(server.port('c2s', 1), 'juliet@localhost/free');
    const from = performance.now();
    let bytes = 0;
    for (let i = 0; i < 200; i++) {
      const text = `<message to='juliet@localhost/free' id='${i}'><body>${'x'.repeat(100)}</body></message>`;
      bytes += text.length;
      romeo.send(text);
    }
    expect(bytes).toBeGreaterThan(2 * RATE * 0.7);
    for (let i = 0; i < 200; i++) expect((await juliet.message()).attribute('id')).toBe(String(i));
    // What one read may bring beyond the balance has to be paid for before the next one; so only the last read (64 KiB at most, here all
    // that is left) comes on top. Had there been no shaper, this would have taken some milliseconds.
    const waitedFor = ((performance.now() - from) / 1000) * RATE + BURST + 2 * RATE;
    expect(waitedFor).toBeGreaterThan(bytes);
    // The balance is paid before anything else is read: the next answer comes only then.
    romeo.send("<iq type='get' id='after'><nothing xmlns='urn:test:nothing'/></iq>");
    expect((await romeo.element()).attribute('id')).toBe('after');
    const seconds = (performance.now() - from) / 1000;
    expect(seconds * RATE + BURST).toBeGreaterThan(bytes * 0.9);
    await romeo.close();
    await juliet.close();
  });

  it('does not hold up anybody else', async () => {
    const romeo = await TestClient.login(server.port('c2s', 0), 'romeo@localhost/shaped');
    const juliet = await TestClient.login(server.port('c2s', 1), 'juliet@localhost/free');
    // Read at the rate that there is, all of this takes a quarter of a minute.
    for (let i = 0; i < 6; i++) {
      const body = 'x'.repeat(50_000);
      romeo.send(`<message to='juliet@localhost/free' id='slow${i}'><body>${body}</body></message>`);
    }
    for (let i = 0; i < 50; i++) {
      juliet.send(`<message to='juliet@localhost/free' id='self${i}'/>`);
    }
    const order: string[] = [];
    while (order.at(-1) !== 'self49') order.push((await juliet.message()).attribute('id')!);
    expect(order).not.toContain('slow5');
    romeo.cut();
    await juliet.close();
  });

  it('may be closed, cut or ended while it waits', async () => {
    for (const end of ['close', 'cut', 'error']) {
      const romeo = await TestClient.login(server.port('c2s', 0), `romeo@localhost/${end}`);
      romeo.send(`<message to='juliet@localhost'><body>${'x'.repeat(20_000)}</body></message>`);
      if (end === 'cut') romeo.cut();
      else if (end === 'close') await romeo.close();
      else {
        romeo.send('<!-- -->');
        expect(await romeo.streamError()).toBe('restricted-xml');
      }
    }
    const again = await TestClient.login(server.port('c2s', 1), 'romeo@localhost/again');
    await again.nothingElse();
    await again.close();
  });
});
