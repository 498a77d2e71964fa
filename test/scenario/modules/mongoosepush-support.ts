import { expect } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import type { WebService } from '../../helpers/web-service.ts';
import { enablePush, field, form, METRICS } from './event-pusher-support.ts';
import { LAB, loginOn, nobodyThere } from './support.ts';

/** What scenarios of mod_push_service_mongoosepush have in common. */

/** Publish options of one device. */
export function device(id: string, service = 'fcm', more: Readonly<Record<string, string>> = {}): string {
  const fields = Object.entries(more).map(([name, value]) => field(name, value));
  return field('device_id', id) + field('service', service) + fields.join('');
}

/** What a server that tells a gateway is like. */
interface GatewaySettings {
  readonly version: 'v2' | 'v3';
  readonly requestTimeoutMs: number;
  /** Lines of `[modules.mod_event_pusher.push]`. */
  readonly push?: string;
  readonly requestsMax?: number;
}

/** A server with two shards that tells a gateway, and Romeo. */
export class GatewayScene {
  readonly server: TestServer;
  readonly romeo: TestClient;

  private constructor(server: TestServer, romeo: TestClient) {
    this.server = server;
    this.romeo = romeo;
  }

  static async start(gateway: WebService, settings: GatewaySettings): Promise<GatewayScene> {
    const { version, requestTimeoutMs, push = '', requestsMax = 100 } = settings;
    const server = await TestServer.start({
      users: ['romeo', 'ann', 'bea', 'cat', 'dot', 'eve', 'fay'],
      toml: `
        [modules.mod_presence]
        [modules.mod_offline]
        [modules.mod_event_pusher.push]
          virtual_pubsub_hosts = ["push.@HOST@", "fixed.test"]
          ${push}
        [modules.mod_push_service_mongoosepush]
          api_version = "${version}"
          max_http_connections = ${requestsMax}
        ${gateway.pool('mongoose_push_http', `request_timeout = ${requestTimeoutMs}`)}
        ${LAB}
        ${METRICS}
      `,
    });
    return new GatewayScene(server, await TestClient.login(server.port(), 'romeo@localhost/orchard'));
  }

  /** Enables one node, with these publish options, for a user on the other shard than Romeo's, who then leaves. */
  async absent(user: string, options: string, service = 'push.localhost'): Promise<void> {
    const client = await loginOn(this.server, `${user}@localhost/phone`, 'other', this.romeo);
    const answer = await enablePush(client, `${user}-node`, form(options), 'localhost', service);
    expect(answer.attribute('type')).toBe('result');
    await client.close();
    await nobodyThere(this.romeo, `${user}@localhost`);
  }

  /** What is stored of a user, as text. */
  async exported(user: string): Promise<string> {
    const payload = `<export xmlns='urn:test:lab'>${user}@localhost</export>`;
    const answer = await this.romeo.iq('get', 'localhost', payload);
    return answer.elements()[0]!.text();
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }
}
