import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { partitionOf } from '../../src/store/partitions/pair.ts';
import { TestClient } from '../helpers/client.ts';
import { httpGet } from '../helpers/http.ts';
import { eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';
import { SmallDisk } from '../helpers/small-disk.ts';
import { enable, handled } from '../helpers/stream-management.ts';
import { page, refusal } from '../scenario/modules/mam-support.ts';
import { LAB } from '../scenario/modules/support.ts';

/** Of an archive in two files one is on a disk that is full. (Where no disk can be mounted, all files would be hurt at a time: `full-disk.test.ts` has that.) */

const USERS = Array.from({ length: 8 }, (_unused, n) => `user${n}`);
const isOn = (partition: number) => (name: string) =>
  partitionOf(`${name}@localhost`, 'juliet@localhost', 2) === partition;

const disk = new SmallDisk(16);
let storage: string;
let server: TestServer;

beforeAll(async () => {
  storage = mkdtempSync(join(tmpdir(), 'mk-two-'));
  mkdirSync(join(storage, 'data'));
  symlinkSync(join(disk.directory, 'archive-1.db'), join(storage, 'data', 'archive-1.db'));
  server = await TestServer.start({
    shards: 2,
    users: ['juliet', ...USERS],
    storage: join(storage, 'data'),
    partitions: 2,
    toml: `[[listen.http]]\n  port = 0\n  ip_address = "127.0.0.1"\n  connections_per_second_per_address = "infinity"\n[modules.mod_presence]\n[modules.mod_stream_management]\n[modules.mod_mam.pm]\n${LAB}`,
  });
});

afterAll(async () => {
  await server.stop();
  disk.remove();
  rmSync(storage, { recursive: true });
});

describe('a disk that is full for one file of the archive', () => {
  it.skipIf(!disk.isMounted)(
    'delays what is in that, and nothing else; all of it is there when there is room again',
    async () => {
      const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
      const [there, elsewhere] = [USERS.find(isOn(1))!, USERS.find(isOn(0))!];
      const hurt = await TestClient.login(server.port(), `${there}@localhost/hall`);
      const unhurt = await TestClient.login(server.port(), `${elsewhere}@localhost/hall`);
      for (const client of [hurt, unhurt]) await enable(client);
      const say = async (client: TestClient, body: string): Promise<void> => {
        client.send(`<message to='${juliet.jid}' type='chat'><body>${body}</body></message>`);
        expect((await juliet.message()).childText('body')).toBe(body);
      };
      for (const client of [hurt, unhurt]) {
        await say(client, 'before');
        await eventually(async () => (await handled(client)) === 1, 'it is archived');
      }

      disk.fill(server.pid);
      for (let i = 0; i < 20; i++) await say(hurt, `full ${i}`);
      await eventually(
        async () => (await httpGet(server.port('http'), '/readyz')).body.includes('"storage"'),
        'the server says that it cannot write',
      );
      await say(unhurt, 'meanwhile');
      await eventually(async () => (await handled(unhurt)) === 2, 'the other file takes it');
      expect(await handled(hurt)).toBe(1);
      // Half of an archive would be taken for all of it.
      expect(await refusal(juliet)).toBe('service-unavailable');

      disk.free(server.pid);
      await eventually(async () => (await handled(hurt)) === 21, 'all is archived');
      await eventually(
        async () => (await httpGet(server.port('http'), '/readyz')).body.includes('"ok"'),
        'the server is ready again',
      );
      const full = Array.from({ length: 20 }, (_unused, i) => `full ${i}`);
      const found = await page(juliet, { set: '<max>30</max><before/>' });
      expect(found.bodies).toEqual(['before', 'before', ...full, 'meanwhile']);
      for (const client of [juliet, hurt, unhurt]) await client.close();
    },
    60_000,
  );
});
