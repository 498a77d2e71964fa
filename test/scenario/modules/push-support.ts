import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { enablePush, PUSH_SERVICE } from './event-pusher-support.ts';
import { LAB, loginOn, nobodyThere } from './support.ts';

/** Who is there where clients without a connection get push notifications. */
export interface PushScene {
  readonly server: TestServer;
  readonly romeo: TestClient;
  /** Gets what is published. */
  readonly watcher: TestClient;
}

/** A server that notifies devices; `absent@localhost` is one who is told of everything. `settings` are those of mod_stream_management. */
export async function startPush(plugin: string, settings = '', more = ''): Promise<PushScene> {
  const server = await TestServer.start({
    users: ['romeo', 'watcher', 'absent', 'ann', 'bea', 'cat', 'dot', 'eve', 'fay'],
    toml: `
      [modules.mod_presence]
      [modules.mod_offline]
      [modules.mod_stream_management]
        ${settings}
      [modules.mod_event_pusher.push]
        plugin_module = "${plugin}"
      ${PUSH_SERVICE}
      ${LAB}
      ${more}
    `,
  });
  const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  const watcher = await TestClient.login(server.port(), 'watcher@localhost/desk');
  const absent = await loginOn(server, 'absent@localhost/phone', 'same', romeo);
  await enablePush(absent, 'absent-node');
  await absent.close();
  await nobodyThere(romeo, 'absent@localhost');
  return { server, romeo, watcher };
}
