import { expect, it } from 'vitest';
import { expectConservation } from '../helpers/conservation.ts';
import { FlakyProxy } from '../helpers/flaky-proxy.ts';
import { ResumingClient } from '../helpers/resuming-client.ts';
import { TestServer } from '../helpers/server.ts';
import { bodyOf } from '../helpers/stream-management.ts';

const USERS = Array.from({ length: 10 }, (_unused, i) => `user${i}`);
const MESSAGES = Number(process.env['MEERKAT_FLAKY_MESSAGES'] ?? 1_000);
const SEED = Number(process.env['MEERKAT_FLAKY_SEED'] ?? 198);
const SHARDS = Number(process.env['MEERKAT_FLAKY_SHARDS'] ?? 3);

it('a thousand messages between ten users on two devices each arrive once and in order over a network that cuts, delays and splits', {
  timeout: 300_000,
}, async () => {
  const server = await TestServer.start({
    shards: SHARDS,
    users: USERS,
    toml: '[[listen.http]]\n  port = 0\n  ip_address = "127.0.0.1"\n[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_stream_management]\n  buffer_max = 10000',
  });
  const proxy = await FlakyProxy.start(server.port(), SEED);
  const devices: ResumingClient[] = [];
  try {
    for (const user of USERS)
      for (const resource of ['phone', 'desk'])
        devices.push(await ResumingClient.login(proxy.port, `${user}@localhost/${resource}`));
    proxy.worsen({ cutAfter: [1_500, 9_000], delayMsMax: 3, pieceMax: 700 });

    /** What each user is to get from each device. */
    const expected = new Map<string, string[]>();
    for (let i = 0; i < MESSAGES; i++) {
      const device = devices[i % devices.length]!;
      const to = USERS[(i * 7 + Math.floor(i / devices.length)) % USERS.length]!;
      const key = `${device.jid} ${to}`;
      const texts = expected.get(key) ?? [];
      expected.set(key, texts);
      const text = `${device.jid} ${texts.length}`;
      texts.push(text);
      device.send(`<message to='${to}@localhost' type='chat'><body>${text}</body></message>`);
      // A little at a time: breaks come in the middle of it.
      if (i % 20 === 19) await new Promise((resolve) => setTimeout(resolve, 5));
    }

    for (const device of devices) {
      const [user = ''] = device.jid.split('@');
      const wanted = [...expected].filter(([key]) => key.endsWith(` ${user}`));
      await device.until(wanted.reduce((sum, [, texts]) => sum + texts.length, 0));
    }
    for (const device of devices) {
      const [user = ''] = device.jid.split('@');
      for (const [key, texts] of expected) {
        const [sender = '', to] = key.split(' ');
        if (to !== user) continue;
        const got = device.messages.filter((message) => message.attribute('from') === sender).map(bodyOf);
        expect(got, `${key} at ${device.jid}`).toEqual(texts);
      }
    }
    const { clients } = await expectConservation(server.port('http'));
    expect(clients).toBe(MESSAGES);
    // The test is worth something only if there were breaks.
    expect(proxy.cuts).toBeGreaterThan(devices.length);
    expect(devices.filter((device) => device.resumptions > 0).length).toBeGreaterThan(devices.length / 2);
    const resumptions = devices.reduce((sum, device) => sum + device.resumptions, 0);
    console.info(`${proxy.cuts} breaks, ${resumptions} resumptions`);
  } finally {
    proxy.improve();
    for (const device of devices) await device.close();
    await proxy.stop();
    await server.stop();
  }
});
