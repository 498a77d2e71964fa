import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { createUsers, TestServer } from '../../helpers/server.ts';
import { condition, messagesUntilNow } from './support.ts';

/** An operator's own modules: the example of docs/writing-modules.md, loaded from a file and from a package, far from the sources. */

const EXAMPLE = new URL('../../../docs/examples/mod_greeter.ts', import.meta.url).pathname;
const NS = 'urn:example:greeter';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk-own-'));
  cpSync(EXAMPLE, join(directory, 'mod_greeter.ts'));
});

afterAll(() => rmSync(directory, { recursive: true }));

const greeter = (lines = ''): string => `
[modules.mod_presence]
[modules.mod_disco]
[modules.mod_register]
[modules.mod_greeter]
  path = "${join(directory, 'mod_greeter.ts')}"
${lines}`;

describe.each([1, 2])('the example module on %i shards', (shards) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({
      shards,
      users: ['romeo', 'juliet', 'nurse'],
      general: 'registration_timeout = "infinity"',
      toml: greeter('  bot = "greeter.localhost"'),
    });
  });

  afterAll(() => server.stop());

  async function login(user: string): Promise<TestClient> {
    return await TestClient.login(server.port(), `${user}@localhost/here`, { isAvailable: false });
  }

  /** Becomes available and waits for the greeting. */
  async function greeted(client: TestClient): Promise<string | undefined> {
    client.send('<presence/>');
    return (await client.message()).childText('body');
  }

  function greeting(client: TestClient): Promise<Element> {
    return client.iq('get', 'localhost', `<greeting xmlns='${NS}'/>`);
  }

  it('greets each session once', async () => {
    const romeo = await login('romeo');
    expect(await greeted(romeo)).toBe('Welcome, romeo!');
    await romeo.available(1);
    romeo.send("<presence type='unavailable'/><presence/>");
    // Both what greets and this question ask the store: the answer would come behind the greeting.
    await greeting(romeo);
    expect(await messagesUntilNow(romeo)).toEqual([]);
    await romeo.close();
    const again = await login('romeo');
    expect(await greeted(again)).toBe('Welcome, romeo!');
    await again.close();
  });

  it('keeps what a user chooses, until the account is gone', async () => {
    const juliet = await login('juliet');
    const choose = (text: string): Promise<Element> =>
      juliet.iq('set', 'localhost', `<greeting xmlns='${NS}'>${text}</greeting>`);
    expect((await choose('Good morrow, {name}')).attribute('type')).toBe('result');
    expect((await greeting(juliet)).child('greeting', NS)!.text()).toBe('Good morrow, {name}');
    expect(condition(await choose(''))).toBe('not-acceptable');
    expect(condition(await choose('x'.repeat(501)))).toBe('not-acceptable');
    await juliet.close();
    const again = await login('juliet');
    expect(await greeted(again)).toBe('Good morrow, juliet');
    const remove = "<query xmlns='jabber:iq:register'><remove/></query>";
    expect((await again.iq('set', 'localhost', remove)).attribute('type')).toBe('result');
    expect(await again.streamError()).toBe('conflict');
    const { status } = await meerkat([
      '--config',
      server.configFile,
      'user',
      'add',
      'juliet@localhost',
      'secret',
    ]);
    expect(status).toBe(0);
    const other = await login('juliet');
    expect(await greeted(other)).toBe('Welcome, juliet!');
    await other.close();
  });

  it('serves a domain, and shows up in service discovery', async () => {
    const nurse = await login('nurse');
    nurse.send("<message to='greeter.localhost' type='chat' id='m1'><body>hi</body></message>");
    const answer = await nurse.message();
    expect([answer.attribute('from'), answer.attribute('id'), answer.childText('body')]).toEqual([
      'greeter.localhost',
      'm1',
      'Hello, nurse!',
    ]);
    nurse.send("<message to='greeter.localhost' type='error' id='m2'/>");
    expect(await messagesUntilNow(nurse)).toEqual([]);
    const ask = (ns: string): Promise<Element> => nurse.iq('get', 'localhost', `<query xmlns='${ns}'/>`);
    const names = (answer: Element): (string | undefined)[] =>
      answer
        .elements()[0]!
        .elements()
        .map((one) => one.attribute('var') ?? one.attribute('jid'));
    expect(names(await ask('http://jabber.org/protocol/disco#info'))).toContain(NS);
    expect(names(await ask('http://jabber.org/protocol/disco#items'))).toEqual(['greeter.localhost']);
    await nurse.close();
  });
});

describe('the smallest module of docs/writing-modules.md', () => {
  it('does what the page says', async () => {
    const page = readFileSync(new URL('../../../docs/writing-modules.md', import.meta.url), 'utf8');
    const [, module = ''] = /```ts\n(.*?)```/s.exec(page)!;
    const [, section = ''] = /```toml\n(.*?)```/s.exec(page)!;
    const home = mkdtempSync(join(directory, 'home-'));
    writeFileSync(join(home, 'mod_quiet.ts'), module);
    const server = await TestServer.start({
      users: ['romeo'],
      toml: section.replace('./mod_quiet.ts', join(home, 'mod_quiet.ts')),
    });
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/here', { isAvailable: false });
    for (const word of ['loudly', 'softly']) {
      romeo.send(`<message to='romeo@localhost/here' type='chat'><body>he said ${word}</body></message>`);
    }
    expect((await romeo.message()).childText('body')).toBe('he said softly');
    await server.stop();
  });
});

describe('a module from a package', () => {
  it('is found beside where the server is started, and may be plain JavaScript', async () => {
    const home = join(directory, 'server');
    const entry = join(home, 'node_modules', 'xmpp-hello');
    mkdirSync(entry, { recursive: true });
    const manifest = { name: 'xmpp-hello', version: '1.0.0', type: 'module', exports: './hello.js' };
    writeFileSync(join(entry, 'package.json'), JSON.stringify(manifest));
    writeFileSync(
      join(entry, 'hello.js'),
      `import { defineModule, Element, z } from 'meerkat/module';
       export default defineModule({
         name: 'mod_hello',
         options: z.strictObject({ word: z.string() }),
         setup(context) {
           context.iq('local', 'urn:example:hello', () =>
             Element.of('hello', 'urn:example:hello', {}, context.options.word));
         },
       });`,
    );
    const server = await TestServer.start({
      users: ['romeo'],
      cwd: home,
      toml: '[modules.mod_hello]\n  path = "xmpp-hello"\n  word = "good day"',
    });
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/here', { isAvailable: false });
    const answer = await romeo.iq('get', 'localhost', "<hello xmlns='urn:example:hello'/>");
    expect(answer.child('hello', 'urn:example:hello')!.text()).toBe('good day');
    await server.stop();
  });
});

describe('a module that cannot be used', () => {
  const write = (name: string, text: string): string => {
    const file = join(directory, name);
    writeFileSync(file, text);
    return file;
  };
  const empty = "import { defineModule, z } from 'meerkat/module';\n";

  it.each([
    [
      'has another name',
      `${empty}export default defineModule({ name: 'mod_y', options: z.object({}), setup() {} });`,
      'mod_y',
    ],
    ['exports nothing', 'export const nothing = 1;', 'default export'],
    ['throws', "throw new Error('not today');", 'not today'],
    ['is not TypeScript', 'import {', 'cannot be loaded'],
    [
      'refuses its options',
      `${empty}export default defineModule({ name: 'mod_x', options: z.strictObject({ a: z.int() }), setup() {} });`,
      'options of mod_x: a: ',
    ],
  ])('because it %s keeps the server from starting, and says why', async (_what, text, why) => {
    const file = write(`mod_x${Math.random()}.ts`, text);
    const config = join(directory, `x${Math.random()}.toml`);
    const data = mkdtempSync(join(directory, 'data-'));
    createUsers(data, []);
    writeFileSync(
      config,
      `[general]\n  hosts = ["localhost"]\n[[listen.c2s]]\n  port = 0\n  ip_address = "127.0.0.1"\n` +
        `[storage]\n  directory = "${data}"\n[modules.mod_x]\n  path = "${file}"\n  a = "text"\n`,
    );
    const { status, stderr } = await meerkat(['start', '--config', config]);
    expect(status).toBe(1);
    expect(stderr).toContain(why);
  });
});
