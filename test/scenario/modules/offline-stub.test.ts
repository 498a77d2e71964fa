import { describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition } from './support.ts';

/** mod_offline_stub: messages to absent users are forgotten without an error. */

async function withServer(
  modules: string,
  work: (romeo: TestClient, server: TestServer) => Promise<void>,
): Promise<void> {
  const server = await TestServer.start({
    users: ['romeo', 'juliet'],
    toml: `[modules.mod_presence]\n${modules}`,
  });
  try {
    await work(await TestClient.login(server.port(), 'romeo@localhost/orchard'), server);
  } finally {
    await server.stop();
  }
}

const message = (to: string, type: string): string =>
  `<message to='${to}' type='${type}' id='${type}'><body>x</body></message>`;

describe('a message to somebody who is not there', () => {
  it('comes back without the module', async () => {
    await withServer('', async (romeo) => {
      for (const type of ['chat', 'normal']) {
        romeo.send(message('juliet@localhost', type));
        expect(condition(await romeo.message())).toBe('service-unavailable');
      }
    });
  });

  it('does not come back with it, but does where nobody lives, and for group chat', async () => {
    await withServer('[modules.mod_offline_stub]', async (romeo, server) => {
      for (const type of ['chat', 'normal']) romeo.send(message('juliet@localhost', type));
      romeo.send(message('juliet@localhost/gone', 'chat'));
      await romeo.nothingElse();
      romeo.send(message('nobody@localhost', 'chat'));
      expect(condition(await romeo.message())).toBe('service-unavailable');
      romeo.send(message('juliet@localhost', 'groupchat'));
      expect(condition(await romeo.message())).toBe('service-unavailable');
      // It was forgotten, not kept.
      const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
      await juliet.nothingElse();
      romeo.send(message('juliet@localhost', 'chat'));
      expect((await juliet.message()).childText('body')).toBe('x');
    });
  });

  it('is explained as dropped', async () => {
    await withServer('[modules.mod_offline_stub]', async (_romeo, server) => {
      const words = [
        'route',
        '--from',
        'romeo@localhost/orchard',
        '--to',
        'juliet@localhost',
        message('juliet@localhost', 'chat'),
      ];
      const { stdout } = await meerkat(['--config', server.configFile, ...words]);
      expect(stdout).toContain('mod_offline_stub');
      expect(stdout).toMatch(/^⇒ .*dropped/m);
    });
  });

  it('is kept where there is mod_offline, too', async () => {
    await withServer('[modules.mod_offline_stub]\n[modules.mod_offline]', async (romeo, server) => {
      romeo.send(message('juliet@localhost', 'chat'));
      await romeo.nothingElse();
      const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
      expect((await juliet.message()).childText('body')).toBe('x');
    });
  });
});
