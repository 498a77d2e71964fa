import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition, fixture, LAB, loginOn, messagesUntilNow, nobodyThere } from './support.ts';

/** `failed_to_store_message`: what becomes of messages to somebody absent whose default privacy list refuses the sender. */

const BLOCK = "<block xmlns='urn:xmpp:blocking'><item jid='romeo@localhost'/></block>";
const UNBLOCK = "<unblock xmlns='urn:xmpp:blocking'/>";

describe.each([1, 2])('a message that its absent recipient refuses, on %i shards', (shards) => {
  let server: TestServer;
  let romeo: TestClient;
  let nurse: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({
      shards,
      users: ['romeo', 'juliet', 'nurse'],
      toml: `[modules.mod_presence]
[modules.mod_offline]
[modules.mod_privacy]
[modules.mod_blocking]
${fixture('mod_refused', 'mod-refused.ts')}
${LAB}`,
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    nurse = await loginOn(server, 'nurse@localhost/hall', shards === 1 ? 'same' : 'other', romeo);
    await asJuliet(BLOCK);
  });

  afterAll(() => server.stop());

  /** Juliet comes, asks for something, and is gone again. Returns the bodies of the messages that waited for her. */
  async function asJuliet(request: string): Promise<(string | undefined)[]> {
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony', { isAvailable: false });
    expect((await juliet.iq('set', undefined, request)).attribute('type')).toBe('result');
    juliet.send('<presence/>');
    const messages = await messagesUntilNow(juliet);
    await juliet.close();
    await nobodyThere(nurse, 'juliet@localhost');
    return messages.map((message) => message.childText('body'));
  }

  /** What the sender hears: notes of the handlers, and conditions of errors. */
  async function say(body: string): Promise<string[]> {
    romeo.send(`<message to='juliet@localhost' type='chat' id='${body}'><body>${body}</body></message>`);
    return (await messagesUntilNow(romeo)).map((message) => condition(message) ?? message.childText('body')!);
  }

  it.each([
    [
      'goes back as if she did not exist, after all handlers',
      'hello',
      ['first', 'second', 'service-unavailable'],
    ],
    ['goes back also when a handler stops, which skips later ones', 'stop', ['first', 'service-unavailable']],
    ['goes back also when a handler fails', 'throw', ['first', 'second', 'service-unavailable']],
    ['waits for a handler that takes its time', 'later', ['first', 'second', 'service-unavailable']],
    ['gets no second error when a handler has sent one', 'answer', ['first', 'policy-violation', 'second']],
  ])('%s', async (_what, body, heard) => {
    expect(await say(body)).toEqual(heard);
  });

  it('is not stored', async () => {
    await say('not this one');
    nurse.send("<message to='juliet@localhost' type='chat'><body>but this one</body></message>");
    await nurse.nothingElse();
    expect(await asJuliet(UNBLOCK)).toEqual(['but this one']);
    // Nobody is refused any more: nobody asks those handlers.
    expect(await say('kept')).toEqual([]);
    expect(await asJuliet(UNBLOCK)).toEqual(['kept']);
  });
});
