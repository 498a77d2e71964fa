import { cpSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { meerkat } from '../helpers/meerkat.ts';
import { TestServer } from '../helpers/server.ts';

/** A copy of the database, made while the server works, and a server that goes on from it. */

let directory: string;
let server: TestServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mk-backup-'));
  server = await TestServer.start({ users: ['romeo', 'juliet', 'nurse'] });
});

afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

function backup(...args: readonly string[]) {
  return meerkat(['--config', server.configFile, 'backup', ...args]);
}

describe('meerkat backup', () => {
  it('copies what is stored while more comes, and a server goes on from the copy', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const say = async (from: number, to: number): Promise<void> => {
      for (let i = from; i < to; i++)
        romeo.send(`<message to='nurse@localhost' type='chat'><body>${i}</body></message>`);
      await romeo.nothingElse();
    };
    await say(0, 50);
    const copying = backup(join(directory, 'copy.db'), '--json');
    await say(50, 200);
    const { status, stdout } = await copying;
    expect(status).toBe(0);
    const { file, bytes } = JSON.parse(stdout) as { file: string; bytes: number };
    expect(statSync(file).size).toBe(bytes);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await romeo.close();

    // As docs/operations.md says: the database alone, none of the files beside it.
    const restored = await TestServer.start();
    try {
      restored.signal('SIGTERM');
      await restored.exited();
      const data = join(restored.directory, 'data');
      for (const name of ['meerkat.db', 'meerkat.db-wal', 'meerkat.db-shm'])
        rmSync(join(data, name), { force: true });
      cpSync(file, join(data, 'meerkat.db'));
      await restored.launch();
      const nurse = await TestClient.login(restored.port(), 'nurse@localhost/hall');
      // All that was stored before the copy began, in order, and no gap in what came during it.
      const bodies: string[] = [];
      for (let i = 0; i < 50; i++) bodies.push((await nurse.message()).childText('body')!);
      expect(bodies).toEqual(Array.from({ length: 50 }, (_unused, i) => String(i)));
      nurse.send("<iq type='get' id='end'><nothing xmlns='urn:test:nothing'/></iq>");
      let next = 50;
      for (;;) {
        const element = await nurse.element();
        if (element.name === 'iq') break;
        if (element.name === 'message') expect(element.childText('body')).toBe(String(next++));
      }
      expect(next).toBeLessThanOrEqual(200);
      const juliet = await TestClient.login(restored.port(), 'juliet@localhost/balcony');
      await juliet.close();
      await nurse.close();
    } finally {
      await restored.stop();
    }
  });

  it('replaces no file unless told to', async () => {
    const file = join(directory, 'there.db');
    expect((await backup(file)).status).toBe(0);
    const before = readFileSync(file);
    const { status, stderr } = await backup(file);
    expect(status).toBe(1);
    expect(stderr).toContain('[file_exists]');
    expect(readFileSync(file)).toEqual(before);
    expect((await backup(file, '--force')).status).toBe(0);
  });

  it('leaves nothing half-made where it cannot write', async () => {
    const { status, stderr } = await backup(join(directory, 'no-such-directory', 'copy.db'));
    expect(status).toBe(1);
    expect(stderr).toContain('[backup_failed]');
  });
});
