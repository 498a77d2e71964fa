import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AdminClient } from '../../../src/cli/client.ts';
import { type Element, TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition, errorType, LAB, loginOn } from './support.ts';

/** mod_blocklist: users whom an administrator locks out, by command. */

describe('the block list of the administrator', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({
      shards: 2,
      users: ['romeo', 'juliet', 'tybalt', 'a1', 'a2', 'a3'],
      toml: `[modules.mod_presence]\n[modules.mod_blocklist]\n${LAB}`,
    });
  });

  afterAll(() => server.stop());

  /** What the commands do, over the admin socket. */
  async function ask(command: string, args: Record<string, unknown>): Promise<unknown> {
    const client = await AdminClient.connect(join(server.directory, 'data', 'meerkat.sock'));
    try {
      return await client.request(`blocklist_${command}`, args);
    } catch (cause) {
      return { error: (cause as { code?: string }).code };
    } finally {
      client.close();
    }
  }

  /** Tries to bind; returns the answer. */
  async function bind(user: string): Promise<{
    client: TestClient;
    type: string | undefined;
    answer: Element;
  }> {
    const client = await TestClient.connect(server.port());
    await client.openStream('localhost');
    const credentials = Buffer.from(`\0${user}\0secret`).toString('base64');
    client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${credentials}</auth>`);
    await client.element();
    client.restart();
    await client.openStream('localhost');
    client.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
    const answer = await client.element();
    return { client, type: answer.attribute('type'), answer };
  }

  it('ends all sessions of a user on all shards, and lets him open none until he is free', async () => {
    const desk = await TestClient.login(server.port(), 'romeo@localhost/desk');
    const phone = await loginOn(server, 'romeo@localhost/phone', 'other', desk);
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    const added = await ask('add', { jid: 'Romeo@localhost', reason: 'spam' });
    expect(added).toEqual({ jid: 'romeo@localhost', reason: 'spam', ended: 2 });
    expect(await desk.streamError()).toBe('conflict');
    expect(await phone.streamError()).toBe('conflict');
    const refused = await bind('romeo');
    expect(condition(refused.answer)).toBe('not-allowed');
    expect(errorType(refused.answer)).toBe('cancel');
    await juliet.nothingElse();
    expect(await ask('remove', { jid: 'romeo@localhost' })).toEqual({ jid: 'romeo@localhost' });
    refused.client.send("<iq type='set' id='again'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
    expect((await refused.client.element()).attribute('type')).toBe('result');
    await refused.client.close();
    await juliet.close();
  });

  it('keeps nobody in whose session opens while he is being locked out', async () => {
    for (let round = 0; round < 5; round++) {
      const opening = Array.from({ length: 6 }, () => bind('tybalt').catch(() => undefined));
      const added = ask('add', { jid: 'tybalt@localhost' });
      const opened = await Promise.all(opening);
      await added;
      for (const one of opened) {
        if (one?.type === 'result') await one.client.streamError();
        else one?.client.cut();
      }
      await ask('remove', { jid: 'tybalt@localhost' });
    }
  });

  it('changes the reason of who is on it already, and has reasons that are empty', async () => {
    await ask('add', { jid: 'a2@localhost', reason: 'one' });
    await ask('add', { jid: 'a2@localhost', reason: 'two' });
    await ask('add', { jid: 'a1@localhost' });
    await ask('add', { jid: 'a3@localhost', reason: '' });
    expect(await ask('count', { domain: 'localhost' })).toEqual({ domain: 'localhost', count: 3 });
    const all = [
      { jid: 'a1@localhost', reason: '' },
      { jid: 'a2@localhost', reason: 'two' },
      { jid: 'a3@localhost', reason: '' },
    ];
    expect(await ask('list', { domain: 'localhost' })).toEqual(all);
    expect(await ask('list', { domain: 'localhost', limit: 2 })).toEqual(all.slice(0, 2));
    expect(await ask('list', { domain: 'localhost', limit: 2, index: 2 })).toEqual(all.slice(2));
    expect(await ask('list', { domain: 'localhost', index: 9 })).toEqual([]);
    for (const { jid } of all) await ask('remove', { jid });
    expect(await ask('list', { domain: 'localhost' })).toEqual([]);
  });

  it.each([
    ['add', { jid: 'nobody@localhost' }, 'user_unknown'],
    ['add', { jid: 'localhost' }, 'invalid_jid'],
    ['add', { jid: '@' }, 'invalid_jid'],
    ['add', {}, 'bad_request'],
    ['add', { jid: 'romeo@elsewhere.example' }, 'domain_unknown'],
    ['add', { jid: 'romeo@localhost', reason: 'x'.repeat(5_000) }, 'bad_request'],
    ['add', { jid: 'romeo@localhost', reason: 5 }, 'bad_request'],
    ['remove', { jid: 'juliet@localhost' }, 'not_blocked'],
    ['count', { domain: 'elsewhere.example' }, 'domain_unknown'],
    ['count', { domain: '__proto__' }, 'domain_unknown'],
    ['list', { domain: 'elsewhere.example' }, 'domain_unknown'],
    ['list', { domain: 'localhost', index: -1 }, 'bad_request'],
    ['list', { domain: 'localhost', limit: '1' }, 'bad_request'],
  ])('refuses %s %j with %s', async (command, args, code) => {
    expect(await ask(command, args)).toEqual({ error: code });
  });

  it('is the command `meerkat blocklist`', async () => {
    const run = async (...args: string[]): Promise<string> => {
      const { status, stdout, stderr } = await meerkat(['--config', server.configFile, 'blocklist', ...args]);
      return `${status} ${stdout}${stderr}`.trim();
    };
    expect(await run('add', 'romeo@localhost', 'bad manners')).toBe('0 romeo@localhost blocked');
    expect(await run('count', 'localhost')).toBe('0 1');
    expect(await run('list', 'localhost')).toMatch(/^0 romeo@localhost +bad manners$/);
    expect(await run('remove', 'romeo@localhost')).toBe('0 romeo@localhost not blocked any more');
    expect(await run('remove', 'romeo@localhost')).toContain('[not_blocked]');
  });

  it('forgets a user with the account, and tells what it knows of him', async () => {
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    await ask('add', { jid: 'a1@localhost', reason: 'why not' });
    const lab = async (what: string): Promise<string> => {
      const answer = await juliet.iq(
        'set',
        'localhost',
        `<${what} xmlns='urn:test:lab'>a1@localhost</${what}>`,
      );
      return answer.elements()[0]?.text() ?? '';
    };
    const tables = JSON.parse(await lab('export')) as { name: string; rows: string[][] }[];
    expect(tables.find(({ name }) => name === 'blocklist')!.rows).toEqual([['why not']]);
    await lab('remove');
    expect(await ask('count', { domain: 'localhost' })).toEqual({ domain: 'localhost', count: 0 });
    await juliet.close();
  });
});

describe('without mod_blocklist', () => {
  it('its commands say so', async () => {
    const server = await TestServer.start({ users: ['romeo'], toml: '[modules.mod_presence]' });
    const socket = join(server.directory, 'data', 'meerkat.sock');
    const { status, stdout } = await meerkat([
      '--json',
      '--socket',
      socket,
      'blocklist',
      'count',
      'localhost',
    ]);
    await server.stop();
    expect(status).toBe(1);
    expect(JSON.parse(stdout).error.code).toBe('module_not_loaded');
  });
});
