import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serialize } from '../../src/xml/writer.ts';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';

/** What one user can make another one, or the server, believe: threats T36, T41 and T68. */

let server: TestServer;
let mallory: TestClient;
let juliet: TestClient;

beforeAll(async () => {
  server = await TestServer.start({
    users: ['mallory', 'juliet', 'romeo'],
    toml: '[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_disco]\n[modules.mod_ping]\n',
  });
  mallory = await TestClient.login(server.port(), 'mallory@localhost/den');
  juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
});

afterAll(() => server.stop());

describe('T36 answers that nobody asked for', () => {
  it.each(['s0_AAAAAAAAAAAAAAAA', 's1_AAAAAAAAAAAAAAAA', 's999_x', 's0_', '__proto__'])(
    'to the server, with the id %s, are dropped in silence',
    async (id) => {
      for (const type of ['result', 'error'])
        mallory.send(`<iq type='${type}' id='${id}' to='localhost'/><iq type='${type}' id='${id}'/>`);
      await mallory.nothingElse();
    },
  );

  it('to another user arrive in their real sender’s name, and never as the server’s', async () => {
    mallory.send(
      "<iq type='set' id='push' to='juliet@localhost/balcony'><query xmlns='jabber:iq:roster'><item jid='mallory@localhost' subscription='both'/></query></iq>",
    );
    const push = await juliet.element();
    expect(push.attribute('from')).toBe('mallory@localhost/den');
    mallory.send("<iq type='result' id='guessed' to='juliet@localhost/balcony'/>");
    expect((await juliet.element()).attribute('from')).toBe('mallory@localhost/den');
  });

  it('a roster push to the account is answered in its place, and reaches no client', async () => {
    const answer = await mallory.iq(
      'set',
      'juliet@localhost',
      "<query xmlns='jabber:iq:roster'><item jid='mallory@localhost' subscription='both'/></query>",
    );
    expect(answer.attribute('type')).toBe('error');
    await juliet.nothingElse();
  });
});

describe('T41 a delay that another is said to have noted', () => {
  const delay = (from: string): string =>
    `<delay xmlns='urn:xmpp:delay' ${from} stamp='2002-09-10T23:08:25Z'>no</delay>`;

  it.each(['localhost', 'LOCALHOST', 'juliet@localhost', 'rooms.localhost', 'juliet@localhost/balcony'])(
    'is taken away in the name of %s, wherever it stands and however often',
    async (from) => {
      const forged = delay(`from='${from}'`);
      mallory.send(
        `<message to='juliet@localhost'>${forged}<body>Hi</body>${forged.replace('<delay', '<p:delay').replace('xmlns=', 'xmlns:p=').replace('</delay', '</p:delay')}${forged}</message>`,
      );
      const message = await juliet.message();
      expect(message.elements().map(({ name }) => name)).toEqual(['body']);
    },
  );

  it.each(["from='mallory@localhost/den'", "from='elsewhere.example'", ''])(
    'stays in the own name, a stranger’s, or nobody’s: %s',
    async (from) => {
      mallory.send(`<message to='juliet@localhost'>${delay(from)}</message>`);
      expect((await juliet.message()).child('delay', 'urn:xmpp:delay')?.text()).toBe('no');
    },
  );
});

describe('T68 whether an account exists, and is there', () => {
  const ACCOUNTS = ['juliet', 'romeo', 'nobody'];
  const REQUESTS = [
    "<query xmlns='http://jabber.org/protocol/disco#info'/>",
    "<query xmlns='http://jabber.org/protocol/disco#items'/>",
    "<query xmlns='jabber:iq:last'/>",
    "<vCard xmlns='vcard-temp'/>",
    "<query xmlns='jabber:iq:roster'/>",
    "<ping xmlns='urn:xmpp:ping'/>",
    "<query xmlns='jabber:iq:version'/>",
    "<time xmlns='urn:xmpp:time'/>",
    "<any xmlns='urn:any'/>",
  ];

  it.each(REQUESTS)(
    'the answer to %s is the same for an available, an absent and an invented one',
    async (payload) => {
      for (const rest of ['', '/no-such-resource']) {
        const answers = [];
        for (const name of ACCOUNTS) {
          const answer = await mallory.iq('get', `${name}@localhost${rest}`, payload, 'same');
          answers.push(serialize(answer).replaceAll(`${name}@`, 'X@'));
        }
        expect(new Set(answers).size, answers.join('\n')).toBe(1);
      }
      await juliet.nothingElse();
    },
  );

  it.each(["type='probe'", '', "type='unavailable'", "type='subscribe'"])(
    'presence %s tells nothing',
    async (type) => {
      for (const name of ACCOUNTS) mallory.send(`<presence to='${name}@localhost' ${type}/>`);
      await mallory.nothingElse();
      for (let answered = false; !answered; ) {
        // What arrived there is of no concern here.
        juliet.send("<iq type='get' id='done'><any xmlns='urn:any'/></iq>");
        answered = (await juliet.until(({ name }) => name === 'iq')).attribute('id') === 'done';
      }
    },
  );
});
