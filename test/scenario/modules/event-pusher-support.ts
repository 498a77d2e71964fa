import type { Element, TestClient } from '../../helpers/client.ts';
import { Scrape } from '../../helpers/http.ts';
import { eventually } from '../../helpers/process.ts';
import { TestServer } from '../../helpers/server.ts';
import { fixture, LAB } from './support.ts';

/** What scenarios of push notifications have in common. */

export const NS_PUSH = 'urn:xmpp:push:0';
export const NS_OPTIONS = 'http://jabber.org/protocol/pubsub#publish-options';
export const PUSH_SERVICE = fixture('mod_push_service', 'mod-push-service.ts');

export function field(name: string, ...values: string[]): string {
  return `<field var='${name}'>${values.map((value) => `<value>${value}</value>`).join('')}</field>`;
}

export function form(fields: string, type = 'submit', formType = NS_OPTIONS): string {
  return `<x xmlns='jabber:x:data' type='${type}'>${field('FORM_TYPE', formType)}${fields}</x>`;
}

export function enablePush(
  client: TestClient,
  node: string,
  options = '',
  to: string | undefined = 'localhost',
  service = 'push.test',
): Promise<Element> {
  return client.iq(
    'set',
    to,
    `<enable xmlns='${NS_PUSH}' jid='${service}' node='${node}'>${options}</enable>`,
  );
}

export function disablePush(client: TestClient, node?: string, service = 'push.test'): Promise<Element> {
  const attribute = node === undefined ? '' : ` node='${node}'`;
  return client.iq('set', undefined, `<disable xmlns='${NS_PUSH}' jid='${service}'${attribute}/>`);
}

/** A publication as the watcher of `mod-push-service.ts` is shown it. */
export interface Published {
  readonly from: string;
  readonly node: string;
  /** The summary's fields. */
  readonly summary: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>> | undefined;
  readonly xml: string;
}

/** The next publication that the watcher is shown. */
export async function published(watcher: TestClient): Promise<Published> {
  const message = await watcher.message();
  const xml = message.childText('body')!;
  const [, options] = xml.split('<publish-options');
  return {
    from: message.childText('subject')!,
    node: /<publish node='([^']*)'/.exec(xml)![1]!,
    summary: fieldsOf(xml.slice(0, options === undefined ? undefined : xml.indexOf('<publish-options'))),
    options: options === undefined ? undefined : fieldsOf(options),
    xml,
  };
}

function fieldsOf(xml: string): Record<string, string> {
  return Object.fromEntries(
    [...xml.matchAll(/<field var='([^']*)'[^>]*><value>([^<]*)<\/value>/g)].map(([, name, value]) => [
      name,
      value,
    ]),
  );
}

/** A message with a text. */
export function chat(to: string, text: string, type = 'chat'): string {
  return `<message to='${to}' type='${type}'><body>${text}</body></message>`;
}

/** A listener for {@link events}. */
export const METRICS = `
[[listen.http]]
  port = 0
  ip_address = "127.0.0.1"
  max_connections_per_address = "infinity"
  connections_per_second_per_address = "infinity"
`;

/** A counter of modules and pools, over all shards; needs {@link METRICS}. */
export async function events(server: TestServer, event: string): Promise<number> {
  const scrape = await Scrape.of(server.port('http'));
  return scrape.sum('meerkat_module_events_total', `event="${event}"`);
}

/** Waits until a counter has reached a number. */
export function counted(server: TestServer, event: string, least: number): Promise<void> {
  return eventually(async () => (await events(server, event)) >= least, `${event} is ${least}`);
}

/** How long RabbitMQ may take to start on a busy machine. */
export const RABBIT_MS = 90_000;
/** What counters of the pool begin with. */
export const RABBIT = 'rabbit_event_pusher_';

/** A server with these sections of mod_event_pusher.rabbit and of its pool. */
export function rabbitServer(sections: string, pool: string): Promise<TestServer> {
  return TestServer.start({
    users: ['romeo', 'juliet', 'watcher', 'x'.repeat(300)],
    toml: `
      [modules.mod_presence]
      [modules.mod_offline]
      ${sections}
      ${pool}
      ${PUSH_SERVICE}
      ${LAB}
      ${METRICS}
    `,
  });
}
