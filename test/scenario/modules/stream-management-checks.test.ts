import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import {
  askToResume,
  bodyOf,
  enableResumption,
  handled,
  resume,
  unbound,
} from '../../helpers/stream-management.ts';
import { LAB, loginOn, messagesUntilNow, nobodyThere, presence, resumeOn } from './support.ts';

/** XEP-0198 together with rosters, pings and counts of sessions that have ended. */

const PHONE = 'juliet@localhost/phone';

let server: TestServer;
let romeo: TestClient;

beforeAll(async () => {
  server = await TestServer.start({
    users: ['romeo', 'juliet', 'nurse'],
    toml: `
[modules.mod_roster]
[modules.mod_presence]
[modules.mod_offline]
[modules.mod_stream_management]
  stale_h = {enabled = true, repeat_after = 1, geriatric = 6}
${LAB}`,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
});

afterAll(async () => {
  await romeo.close();
  await server.stop();
});

describe('a session that waits for its client', () => {
  it.each(['same', 'other'])(
    'gets requests for subscription when it is resumed on the %s shard',
    async (place) => {
      const juliet = await loginOn(server, PHONE, 'other', romeo);
      await juliet.iq('get', undefined, "<query xmlns='jabber:iq:roster'/>");
      const id = await enableResumption(juliet);
      juliet.cut();
      romeo.send("<presence type='subscribe' to='juliet@localhost'/>");
      await messagesUntilNow(romeo);
      const back = await resumeOn(server, place, romeo, PHONE, id, 0);
      const request = await presence(back);
      expect([request.attribute('type'), request.attribute('from')]).toEqual([
        'subscribe',
        'romeo@localhost',
      ]);
      back.send("<presence type='unsubscribed' to='romeo@localhost'/>");
      await handled(back);
      await back.close();
      await nobodyThere(romeo, 'juliet@localhost');
    },
  );

  it('is not there any more for whoever closes his stream: all hear of it at once', async () => {
    const juliet = await loginOn(server, PHONE, 'other', romeo);
    const id = await enableResumption(juliet);
    juliet.send(`<presence to='${romeo.jid}'/>`);
    expect((await romeo.until((one) => one.attribute('from') === PHONE)).attribute('type')).toBeUndefined();
    await juliet.close();
    expect((await romeo.until((one) => one.attribute('from') === PHONE)).attribute('type')).toBe(
      'unavailable',
    );
    const stream = await unbound(server, 'juliet@localhost');
    expect((await askToResume(stream, id, 0)).name).toBe('failed');
    stream.cut();
  });
});

describe('elements of another version', () => {
  it.each(['urn:xmpp:sm:2', 'urn:xmpp:sm:4'])('(%s) switch nothing on and resume nothing', async (ns) => {
    const juliet = await TestClient.login(server.port(), PHONE);
    const id = await enableResumption(juliet);
    romeo.send(`<message to='${PHONE}' type='chat'><body>kept</body></message>`);
    await juliet.message();
    juliet.cut();
    const stream = await unbound(server, 'juliet@localhost');
    stream.send(`<resume xmlns='${ns}' previd='${id}' h='0'/>`);
    const answer = await stream.element();
    expect(answer.name).not.toBe('resumed');
    stream.cut();
    const back = await resume(server, 'juliet@localhost', id, 0);
    expect(bodyOf(await back.message())).toBe('kept');
    back.send(`<a xmlns='urn:xmpp:sm:3' h='1'/>`);
    await back.close();
  });
});

describe('how much a session had handled', () => {
  it('is told to whoever comes too late, and forgotten after a time', async () => {
    const juliet = await loginOn(server, PHONE, 'other', romeo);
    const id = await enableResumption(juliet, "max='1'");
    juliet.send('<presence/>');
    await handled(juliet);
    juliet.cut();
    await nobodyThere(romeo, 'juliet@localhost');
    const told = async (): Promise<string | undefined> => {
      const stream = await unbound(server, 'juliet@localhost');
      const answer = await askToResume(stream, id, 0);
      stream.cut();
      expect(answer.elements()[0]!.name).toBe('item-not-found');
      return answer.attribute('h');
    };
    expect(await told()).toBe('1');
    let h: string | undefined = '1';
    while (h !== undefined) h = await told();
  });
});
