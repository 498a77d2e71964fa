import { describe, expect, it } from 'vitest';
import { loaded, problemsOf, warningsOf } from './helpers.ts';

const HOSTS = '[general]\nhosts = ["localhost"]\n';

/** `[outgoing_pools.rabbit]`, and sections of mod_event_pusher that files of MongooseIM may have. */

describe('a pool for RabbitMQ', () => {
  const pool = (text: string) => {
    return loaded(HOSTS + text)
      .hostTypes.get('localhost')!
      .pools.rabbit.get('event_pusher')!;
  };

  it('has what MongooseIM has by default, and one connection', () => {
    expect(pool('[outgoing_pools.rabbit.event_pusher]')).toEqual({
      name: 'rabbit.event_pusher',
      scope: 'global',
      workers: 1,
      queueMax: 1000,
      callTimeoutMs: 5000,
      host: 'localhost',
      port: 5672,
      username: 'guest',
      password: 'guest',
      virtualHost: '/',
      isConfirmed: false,
      reconnectDelayMs: 2000,
      reconnectAttempts: 0,
      tls: undefined,
    });
  });

  it('has another port with TLS, and a limit where there is none', () => {
    const text = `[outgoing_pools.rabbit.event_pusher]
      workers = 2
      max_worker_queue_len = "infinity"
      [outgoing_pools.rabbit.event_pusher.connection]
      tls = {}`;
    expect(pool(text)).toMatchObject({ port: 5671, queueMax: 200_000, tls: { verifyMode: 'peer' } });
  });

  it('is replaced by that of a host', () => {
    const text = `[outgoing_pools.rabbit.event_pusher]
      [[host_config]]
      host = "localhost"
      [host_config.outgoing_pools.rabbit.event_pusher]
      connection = { port = 1 }`;
    expect(pool(text).port).toBe(1);
  });

  it('warns when passwords and messages leave the machine in clear', () => {
    const remote = '[outgoing_pools.rabbit.event_pusher]\nconnection = { host = "rabbit.example.org" }';
    expect(warningsOf(HOSTS + remote).join()).toContain('crosses the network in clear');
    expect(warningsOf(`${HOSTS}[outgoing_pools.rabbit.event_pusher]`)).toEqual([]);
  });
});

describe('mod_event_pusher', () => {
  it('does without what schedules work in Erlang, with a warning', () => {
    const push = '[modules.mod_event_pusher.push]\nbackend = "mnesia"\niqdisc.type = "one_queue"\n';
    const wpool = 'wpool = { workers = 20, strategy = "available_worker", call_timeout = 5000 }';
    const long = 'plugin_module = "mod_event_pusher_push_plugin_hints"';
    for (const [prefix, where] of [
      ['', 'modules'],
      ['[[host_config]]\nhost = "localhost"\n', 'host_config[0].modules'],
    ]) {
      const text =
        HOSTS +
        `${prefix}${push}${long}\n${wpool}`.replace(
          '[modules',
          prefix === '' ? '[modules' : '[host_config.modules',
        );
      const options = ['backend', 'iqdisc', 'wpool.strategy', 'wpool.call_timeout'];
      expect(warningsOf(text).map((warning) => warning.slice(warning.indexOf(' ') + 1))).toEqual(
        options.map((key) => `${where}.mod_event_pusher.push.${key}: has no effect in Meerkat, ignored`),
      );
      const module = loaded(text).hostTypes.get('localhost')!.modules.get('mod_event_pusher')!;
      expect(module.options).toMatchObject({ push: { plugin_module: 'hints', wpool: { workers: 20 } } });
    }
  });

  it('is not there for Amazon SNS, wherever that is asked for', () => {
    const own =
      '[[host_config]]\nhost = "localhost"\n[host_config.modules.mod_event_pusher.sns]\nregion = "x"';
    for (const text of ['[modules.mod_event_pusher.sns]\nregion = "x"', own]) {
      const [problem = '', ...more] = problemsOf(HOSTS + text);
      expect(more).toEqual([]);
      expect(problem).toContain('mod_event_pusher.sns: events cannot be sent to Amazon SNS');
    }
  });

  it.each([
    ['push.plugin_module', '[modules.mod_event_pusher.push]\nplugin_module = "mod_mine"'],
    ['push.max_nodes_per_user', '[modules.mod_event_pusher.push]\nmax_nodes_per_user = 0'],
    ['http.handlers', '[modules.mod_event_pusher.http]\nhandlers = []'],
    ['http.handlers[0].path', '[[modules.mod_event_pusher.http.handlers]]\npath = "a?b=c"'],
    [
      'rabbit.presence_exchange.type',
      '[modules.mod_event_pusher.rabbit]\npresence_exchange = { type = "x" }',
    ],
  ])('refuses a wrong %s', (path, text) => {
    expect(problemsOf(HOSTS + text).join()).toContain(`modules.mod_event_pusher.${path}:`);
  });
});
