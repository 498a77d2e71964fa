import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { NS_FAST, requestToken, tokenLogin, tokenOf } from '../../helpers/fast.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import {
  agent,
  authenticate,
  bind2,
  condition2,
  NS_BIND2,
  NS_SASL2,
  plain2,
  secureStream,
  tlsConfig,
} from '../../helpers/sasl2.ts';
import { base64, Scram } from '../../helpers/scram.ts';
import { TestServer } from '../../helpers/server.ts';
import { bind, header, NS_SASL, plain } from '../../helpers/xml.ts';
import { fixture } from './support.ts';

/** Tasks after the mechanism (XEP-0388 §2.6.3), asked for by a module of an operator's own. */

const NS = 'urn:test:tasks';
const NS_SM = 'urn:xmpp:sm:3';
const THANKS = ['success', 'thanks', 'authorization-identifier'];
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    users: ['romeo', 'juliet', 'mercutio', 'tybalt', 'paris'],
    // Clients of a busy machine have to do a step in this time.
    config: tlsConfig(
      `[modules.mod_presence]
       [modules.mod_sasl2]
       [modules.mod_bind2]
       [modules.mod_stream_management]
       [modules.mod_fast_auth_token]
       ${fixture('mod_second_factor', 'mod-second-factor.ts')}`,
    ).replaceAll('shaper = "none"', 'shaper = "none"\n      state_timeout = 5000'),
  });
});

afterAll(() => server.stop());

const code = (value: string): string => `<code xmlns='${NS}'>${value}</code>`;
const next = (task: string, inside = ''): string =>
  `<next xmlns='${NS_SASL2}' task='${task}'>${inside}</next>`;
const data = (inside: string): string => `<task-data xmlns='${NS_SASL2}'>${inside}</task-data>`;

/** Logs in with the password; what comes is the question for more. */
async function asked(
  user: string,
  inside = '',
): Promise<{ client: TestClient; tasks: string[]; text: string }> {
  const { client } = await secureStream(server);
  client.send(plain2(user, agent() + inside));
  const answer = await client.element();
  expect([answer.name, answer.ns]).toEqual(['continue', NS_SASL2]);
  expect(answer.child('authorization-identifier', NS_SASL2)).toBeUndefined();
  const tasks = answer.child('tasks', NS_SASL2)!.elements();
  expect(new Set(tasks.map(({ name }) => name))).toEqual(new Set(['task']));
  return { client, tasks: tasks.map((one) => one.text()), text: answer.childText('text')! };
}

/** The names of an element and what is in it. */
function names(element: Element): string[] {
  return [element, ...element.elements()].map(({ name }) => name);
}

/** Sends something and returns the condition of the failure. */
async function failureOf(client: TestClient, text: string): Promise<string> {
  client.send(text);
  return condition2(await client.element());
}

describe('a client that is asked for more', () => {
  it('has neither session nor token until it is done', async () => {
    const { client, tasks, text } = await asked('juliet', requestToken() + bind2());
    expect([tasks, text]).toEqual([['CODE'], 'after nothing']);
    client.send(next('CODE', code('1234')));
    const success = await client.element();
    expect(names(success).slice(0, 3)).toEqual(THANKS);
    expect(success.childText('authorization-identifier')).toMatch(/^juliet@localhost\/./);
    expect(success.child('bound', NS_BIND2)).toBeDefined();
    expect(tokenOf(success)).toBeDefined();
    expect((await client.element()).name).toBe('features');
    client.send("<message to='juliet@localhost' id='here'/><presence/>");
    expect((await client.until(({ name }) => name === 'presence')).attribute('from')).toBe(
      success.childText('authorization-identifier'),
    );
    client.cut();
  });

  it('hears once what the mechanism ended with', async () => {
    const { client } = await secureStream(server);
    const exchange = new Scram('juliet', 'secret', {});
    client.send(authenticate('SCRAM-SHA-1', base64(exchange.first)));
    const challenge = Buffer.from((await client.element()).text(), 'base64').toString();
    client.send(`<response xmlns='${NS_SASL2}'>${base64(exchange.final(challenge))}</response>`);
    const answer = await client.element();
    const proof = Buffer.from(answer.childText('additional-data')!, 'base64').toString();
    expect([answer.name, exchange.isServer(proof)]).toEqual(['continue', true]);
    client.send(next('CODE', code('1234')));
    expect((await client.element()).child('additional-data', NS_SASL2)).toBeUndefined();
    client.cut();
  });

  it('may be asked in several steps', async () => {
    const { client } = await asked('juliet');
    client.send(next('CODE'));
    const question = await client.element();
    expect([question.name, question.childText('question', NS)]).toEqual(['task-data', 'CODE']);
    client.send(data(code('1234')));
    expect(names(await client.element())).toEqual(THANKS);
    client.cut();
  });

  it('chooses a task, and does another one if there is another one', async () => {
    const { client, tasks } = await asked('mercutio');
    expect(tasks).toEqual(['CODE', 'WORD']);
    client.send(next('WORD'));
    expect((await client.element()).childText('question', NS)).toBe('WORD');
    client.send(data(code('1234')));
    const again = await client.element();
    expect([again.name, again.child('tasks', NS_SASL2)!.childText('task')]).toEqual(['continue', 'CONFIRM']);
    expect(again.childText('text')).toBe('after WORD');
    client.send(next('CONFIRM'));
    expect(names(await client.element())).toEqual(THANKS);
    client.cut();
  });

  it('resumes its session then, and no sooner', async () => {
    const first = await asked('juliet', bind2(`<enable xmlns='${NS_SM}' resume='true'/>`));
    first.client.send(next('CODE', code('1234')));
    const success = await first.client.element();
    const id = success.child('bound', NS_BIND2)!.child('enabled', NS_SM)!.attribute('id')!;
    await first.client.element();
    for (let i = 0; i < 3; i++) {
      const { client } = await asked('juliet', `<resume xmlns='${NS_SM}' previd='${id}' h='0'/>`);
      client.send(next('CODE', code('1234')));
      const resumed = await client.element();
      expect(resumed.child('resumed', NS_SM)?.attribute('previd')).toBe(id);
      expect(resumed.childText('authorization-identifier')).toBe(
        success.childText('authorization-identifier'),
      );
      client.cut();
    }
    first.client.cut();
  });

  it('is not asked when it has a token: it was asked for that (XEP-0484 §4.2)', async () => {
    const { client } = await asked('juliet', requestToken());
    client.send(next('CODE', code('1234')));
    const token = tokenOf(await client.element())!;
    client.cut();
    const again = await tokenLogin(server, 'juliet', token, { inside: bind2() });
    expect(again.answer.child('bound', NS_BIND2)).toBeDefined();
    again.client.cut();
  });

  it('is one of those who must; others are not asked', async () => {
    const { client } = await secureStream(server);
    client.send(plain2('romeo'));
    expect((await client.element()).name).toBe('success');
    client.cut();
  });
});

describe('a task that fails', () => {
  it.each<[string, string, string]>([
    ['by its own judgement', next('CODE', code('1111')), 'not-authorized'],
    ['because nobody offered it', next('WORD', code('1234')), 'invalid-mechanism'],
    ['because it has no name', `<next xmlns='${NS_SASL2}'/>`, 'invalid-mechanism'],
    ['because its module does', next('CODE', code('throw')), 'temporary-auth-failure'],
    ['because the client gives up', `<abort xmlns='${NS_SASL2}'/>`, 'aborted'],
  ])('%s ends the login, and there is no other on this stream (§4.8)', async (_why, text, condition) => {
    const { client } = await asked('juliet', requestToken() + bind2());
    client.send(text);
    const failure = await client.element();
    expect(condition2(failure)).toBe(condition);
    expect(failure.child('token', NS_FAST)).toBeUndefined();
    client.send(plain2('romeo'));
    expect(await client.streamError()).toBe('policy-violation');
  });

  it('tells what its module says, and may come later than the first step', async () => {
    const { client } = await asked('juliet');
    client.send(next('CODE'));
    await client.element();
    client.send(data(code('4321')));
    expect((await client.element()).childText('text')).toBe('not this code');
    client.cut();
  });

  it.each<[string, string, string]>([
    ['data of no task', data(code('1234')), 'policy-violation'],
    ['a response', `<response xmlns='${NS_SASL2}'/>`, 'policy-violation'],
    ['a second login', plain2('romeo'), 'policy-violation'],
    ['a stanza', "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", 'policy-violation'],
    ['an abort of the classic profile', `<abort xmlns='${NS_SASL}'/>`, 'invalid-namespace'],
  ])('what must not come meanwhile ends the stream: %s', async (_what, text, condition) => {
    const { client } = await asked('juliet');
    client.send(text);
    expect(await client.streamError()).toBe(condition);
  });

  it('a task within a task ends the stream, too', async () => {
    const { client } = await asked('juliet');
    client.send(next('CODE'));
    await client.element();
    client.send(next('CODE', code('1234')));
    expect(await client.streamError()).toBe('policy-violation');
  });

  it('when the account goes meanwhile, so does the login', async () => {
    const config = ['--config', server.configFile];
    expect((await meerkat(['user', 'add', 'mercutio@localhost', 'secret', ...config])).status).not.toBe(0);
    const { client } = await asked('mercutio', bind2());
    client.send(next('CODE', code('1234')));
    expect((await client.element()).name).toBe('continue');
    expect((await meerkat(['user', 'delete', 'mercutio@localhost', ...config])).status).toBe(0);
    expect(await failureOf(client, next('CONFIRM'))).toBe('not-authorized');
    client.cut();
    expect((await meerkat(['user', 'add', 'mercutio@localhost', 'secret', ...config])).status).toBe(0);
  });
});

describe('the time for it', () => {
  it('is that of people, not that of programs (state_timeout)', async () => {
    const { client } = await asked('juliet', bind2());
    // A step of a mechanism is done by a program.
    const slow = (await secureStream(server)).client;
    slow.send(authenticate('SCRAM-SHA-1', base64('n,,n=romeo,r=abc')));
    expect((await slow.element()).name).toBe('challenge');
    expect(await slow.streamError()).toBe('connection-timeout');
    client.send(next('CODE'));
    expect((await client.element()).name).toBe('task-data');
    const other = (await secureStream(server)).client;
    expect(await other.streamError()).toBe('connection-timeout');
    client.send(data(code('1234')));
    expect((await client.element()).name).toBe('success');
    client.cut();
  });
});

describe('what a module must be able to rely on', () => {
  it('where it fails, nobody gets in; where it refuses, neither', async () => {
    const { client } = await secureStream(server);
    expect(await failureOf(client, plain2('tybalt', bind2()))).toBe('temporary-auth-failure');
    expect(await failureOf(client, plain2('paris', bind2()))).toBe('account-disabled');
    // Nothing was asked of them: they may try again.
    client.send(plain2('romeo'));
    expect((await client.element()).name).toBe('success');
    client.cut();
  });

  it('a wrong password is not asked for more', async () => {
    const { client } = await secureStream(server);
    expect(await failureOf(client, plain2('juliet', '', 'wrong'))).toBe('not-authorized');
    client.cut();
  });

  it('the classic profile is no way around it', async () => {
    const client = await TestClient.connectTls(server.port('c2s', 0));
    await client.openStream('localhost');
    client.send(plain('juliet'));
    expect((await client.element()).name).toBe('success');
    client.send(header() + bind('around'));
    await client.expect('open');
    await client.element();
    expect((await client.element()).child('error')?.elements()[0]?.name).toBe('not-allowed');
    client.cut();
  });
});
