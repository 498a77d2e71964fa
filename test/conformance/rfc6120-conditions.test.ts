import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SASL_CONDITIONS } from '../../src/auth/sasl/result.ts';
import { Connections } from '../../src/shard/connections.ts';
import { STREAM_ERRORS, type StreamErrorCondition, streamErrorXml } from '../../src/xmpp/stream-error.ts';
import { header, plain } from '../helpers/xml.ts';
import { FakeSocket, fakeC2sHost, LISTENER } from '../unit/c2s/fakes.ts';

/**
 * Every condition of a stream error (RFC 6120 §4.9.3) and of a SASL failure (§6.5): either a test shows when it is given, or it is said here why it
 * never is.
 */

const NEVER: ReadonlyMap<string, string> = new Map<StreamErrorCondition, string>([
  ['improper-addressing', 'between servers only (§4.9.3.7); a client without `to` means its own account'],
  ['invalid-xml', 'XML is not validated against a schema'],
  ['remote-connection-failed', 'nobody else is asked for authentication'],
  ['reset', 'no security property of a stream changes while it lives'],
  ['see-other-host', 'there is one host'],
  ['undefined-condition', 'each of our own has a defined one'],
  ['unsupported-feature', 'no feature is mandatory for the server itself'],
  ['resource-constraint', 'connections over a limit are closed before any stream'],
]);

const NEVER_SASL: ReadonlyMap<string, string> = new Map([
  ['account-disabled', 'accounts cannot be disabled'],
  ['mechanism-too-weak', 'what is too weak is not offered'],
]);

const ROOT = new URL('../', import.meta.url);
const FOLDERS = ['conformance', 'scenario', 'unit/auth', 'unit/c2s', 'crash'];

/** Tests that expect a condition, by name. */
function testsOf(condition: string): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts') && !name.endsWith('rfc6120-conditions.test.ts'))
      .filter((name) => readFileSync(new URL(`${folder}/${name}`, ROOT), 'utf8').includes(`'${condition}'`)),
  );
}

describe('stream errors (§4.9.3)', () => {
  it.each(
    STREAM_ERRORS.filter((condition) => !NEVER.has(condition) && condition !== 'internal-server-error'),
  )('%s is shown by a test', (condition) => expect(testsOf(condition)).not.toEqual([]));

  it.each([...NEVER])('%s is never given: %s', (condition) => {
    const src = new URL('../../src/', import.meta.url);
    const users = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && name !== 'xmpp/stream-error.ts')
      .filter((name) =>
        new RegExp(`\\bfail\\('${condition}'`).test(readFileSync(new URL(name, src), 'utf8')),
      );
    expect(users).toEqual([]);
  });

  it.each(STREAM_ERRORS)('%s has its namespace, and a text that is escaped (§4.9.2)', (condition) => {
    const ns = 'urn:ietf:params:xml:ns:xmpp-streams';
    expect(streamErrorXml(condition)).toBe(`<stream:error><${condition} xmlns='${ns}'/></stream:error>`);
    expect(streamErrorXml(condition, '</text>&')).toContain(`xml:lang='en'>&lt;/text&gt;&amp;</text>`);
  });

  it('internal-server-error ends the stream whose handling throws, with the header first, and no other (§4.9.3.8)', () => {
    const host = fakeC2sHost({ nowMs: 0 }, () => {});
    let mayLogIn = false;
    const { start } = host.login;
    host.login.start = (c2s, mechanism) => {
      if (!mayLogIn) throw new Error('a bug');
      return start(c2s, mechanism);
    };
    const connections: Connections = new Connections({
      counters: host.counters,
      c2s: host,
      listener: () => LISTENER,
      touch: () => {},
      isCongested: () => false,
      nowMs: () => 0,
      connectionClosed: () => {},
    });
    const say = (text: string): string => {
      const socket = new FakeSocket();
      connections.accept(socket.asSocket, 0, '192.0.2.1', 40_000);
      socket.say(text);
      connections.flush();
      return socket.written;
    };
    const heard = say(header() + plain('romeo') + plain('romeo'));
    expect(heard).toMatch(/^<\?xml [^>]*><stream:stream [^>]*>/);
    expect(heard.endsWith(`${streamErrorXml('internal-server-error')}</stream:stream>`)).toBe(true);
    expect(heard.split('internal-server-error')).toHaveLength(2);
    mayLogIn = true;
    expect(say(header() + plain('romeo'))).toContain('<success');
  });
});

describe('SASL failures (§6.5)', () => {
  it.each(SASL_CONDITIONS.filter((condition) => !NEVER_SASL.has(condition)))(
    '%s is shown by a test',
    (condition) => expect(testsOf(condition)).not.toEqual([]),
  );

  it.each([...NEVER_SASL])('%s is never given: %s', (condition) => {
    const src = new URL('../../src/', import.meta.url);
    const users = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && name !== 'auth/sasl/result.ts')
      .filter((name) => readFileSync(new URL(name, src), 'utf8').includes(`'${condition}'`));
    expect(users).toEqual([]);
  });
});
