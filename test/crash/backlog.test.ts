import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { httpGet, Scrape } from '../helpers/http.ts';
import { eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';
import { SmallDisk } from '../helpers/small-disk.ts';
import { enable, handled } from '../helpers/stream-management.ts';
import { inboxOf } from '../scenario/modules/inbox-support.ts';
import { numbered, page, refusal } from '../scenario/modules/mam-support.ts';
import { LAB, loginOn } from '../scenario/modules/support.ts';

/** Archives, inboxes and markers while the disk is full: they wait like everything else, monitoring sees them, and in the end each is written once. */

const COUNT = 12;
const TEXTS = numbered(COUNT, '');

let disk: SmallDisk;
let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;

beforeEach(() => {
  disk = new SmallDisk(64);
});

afterEach(async () => {
  await server.stop();
  disk.remove();
});

async function start(modules: string): Promise<void> {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet'],
    storage: disk.storage,
    toml: `[[listen.http]]\n  port = 0\n  ip_address = "127.0.0.1"\n  connections_per_second_per_address = "infinity"\n[modules.mod_presence]\n[modules.mod_stream_management]\n${modules}${LAB}`,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
  await enable(romeo);
}

async function talk(more = ''): Promise<void> {
  for (const text of TEXTS)
    romeo.send(`<message to='${juliet.jid}' type='chat' id='${text}'><body>${text}</body>${more}</message>`);
  // To who is there they go on.
  for (const text of TEXTS) expect((await juliet.message()).childText('body')).toBe(text);
}

const sum = async (name: string): Promise<number> => (await Scrape.of(server.port('http'))).sum(name);

async function seenByMonitoring(isCount: (count: number) => boolean): Promise<void> {
  await eventually(async () => {
    const ready = (await httpGet(server.port('http'), '/readyz')).body;
    const count = await sum('meerkat_kept_writes');
    return ready.includes('"storage"') && isCount(count) && (await sum('meerkat_kept_writes_stalled')) > 0;
  }, 'monitoring sees that it waits');
  expect(await sum('meerkat_kept_write_bytes')).toBeGreaterThan(200);
  expect(await handled(romeo)).toBe(0);
}

async function allIsWell(): Promise<void> {
  await eventually(async () => (await handled(romeo)) === COUNT, 'all is acknowledged');
  await eventually(async () => (await sum('meerkat_kept_writes')) === 0, 'nothing waits any more');
  await eventually(
    async () => (await httpGet(server.port('http'), '/readyz')).body.includes('"ok"'),
    'the server is ready again',
  );
}

describe('a full disk', () => {
  it('keeps messages from archives, which monitoring sees, until there is room', async () => {
    await start('[modules.mod_mam.pm]\n');
    disk.fill(server.pid);
    await talk();
    await seenByMonitoring((count) => count === COUNT);
    // On the other shard, too.
    expect(await refusal(juliet)).toBe('service-unavailable');
    disk.free(server.pid);
    await allIsWell();
    for (const client of [romeo, juliet]) expect((await page(client)).bodies).toEqual(TEXTS);
  }, 60_000);

  it.each(['rdbms', 'rdbms_async'])(
    'keeps messages from inboxes (%s), and counts each once in the end',
    async (backend) => {
      await start(`[modules.mod_inbox]\n  backend = "${backend}"\n`);
      disk.fill(server.pid);
      await talk();
      const isSome = (count: number): boolean => count >= 2 && count <= 2 * COUNT;
      if (backend === 'rdbms') {
        await seenByMonitoring(isSome);
      } else {
        await eventually(
          async () => isSome(await sum('meerkat_kept_writes')),
          'monitoring sees that it waits',
        );
      }
      disk.free(server.pid);
      await allIsWell();
      const { shown } = await inboxOf(juliet);
      expect(shown.map(({ unread }) => unread)).toEqual([COUNT]);
    },
    60_000,
  );

  it('keeps markers from being stored until there is room', async () => {
    await start('[modules.mod_smart_markers]\n');
    disk.fill(server.pid);
    await talk("<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>");
    await seenByMonitoring((count) => count === COUNT);
    disk.free(server.pid);
    await allIsWell();
    const query = "<query xmlns='esl:xmpp:smart-markers:0' peer='juliet@localhost'/>";
    const found = (await romeo.iq('get', 'romeo@localhost', query)).elements()[0]!.elements();
    expect(found.map((one) => one.attribute('id'))).toEqual(['x']);
  }, 60_000);
});
