import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition, fixture, LAB, loginOn, messagesUntilNow, nobodyThere } from './support.ts';

/** mod_amp (XEP-0079): messages that say what shall be done with them. */

const NS = 'http://jabber.org/protocol/amp';
const ERRORS = 'http://jabber.org/protocol/amp#errors';

let server: TestServer;
let open: TestClient[] = [];

async function start(more: string): Promise<void> {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet', 'nurse'],
    toml: `[modules.mod_presence]\n[modules.mod_disco]\n[modules.mod_carboncopy]\n${LAB}\n${more}`,
  });
}

afterEach(async () => {
  for (const client of open) await client.close();
  open = [];
});

async function romeoOn(): Promise<TestClient> {
  const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  open.push(romeo);
  return romeo;
}

async function julietFar(romeo: TestClient, resource = 'balcony'): Promise<TestClient> {
  const juliet = await loginOn(server, `juliet@localhost/${resource}`, 'other', romeo);
  open.push(juliet);
  return juliet;
}

function rule(conditionName: string, value: string, action: string): string {
  return `<rule condition='${conditionName}' value='${value}' action='${action}'/>`;
}

/** An answer of the server and an error of the recipient. They have different senders, so there is no order between them. */
async function answerAndError(client: TestClient): Promise<[Element, Element]> {
  const both = [await client.message(), await client.message()];
  const at = both.findIndex((message) => message.child('amp', NS) !== undefined);
  return [both[at]!, both[1 - at]!];
}

let sent = 0;

/** Sends a message with rules; returns its id. */
function send(client: TestClient, to: string, rules: string, attributes = "type='chat'"): string {
  const id = `m${++sent}`;
  client.send(
    `<message to='${to}' id='${id}' ${attributes}><body>!</body><amp xmlns='${NS}'>${rules}</amp></message>`,
  );
  return id;
}

/** What an answer says: its status and the rule, in short. */
function told(message: Element): string {
  const amp = message.child('amp', NS)!;
  const [met] = amp.elements();
  expect(message.attribute('from')).toBe('localhost');
  expect(message.childText('body')).toBeUndefined();
  return `${message.attribute('id')} ${amp.attribute('status')} ${met?.attribute('condition')} ${met?.attribute('value')}`;
}

/** Everything that a client was told, once the recipient's shard has nothing more to say. */
async function answers(client: TestClient, via?: TestClient): Promise<Element[]> {
  if (via === undefined) return await messagesUntilNow(client);
  const id = `marker${++sent}`;
  via.send(`<message to='${client.jid}' type='headline' id='${id}'/>`);
  const messages: Element[] = [];
  for (;;) {
    const message = await client.message();
    if (message.attribute('id') === id) return messages;
    messages.push(message);
  }
}

describe('without storage', () => {
  beforeAll(() => start('[modules.mod_amp]\n  check_presence = false'));
  afterAll(() => server.stop());

  it('is announced: as a feature of the stream, of the server, and by a node that tells what is supported', async () => {
    const client = await TestClient.connect(server.port());
    expect(
      (await client.openStream('localhost')).child('amp', 'http://jabber.org/features/amp'),
    ).toBeDefined();
    await client.close();
    const romeo = await romeoOn();
    const info = 'http://jabber.org/protocol/disco#info';
    const features = async (node: string): Promise<(string | undefined)[]> => {
      const answer = await romeo.iq('get', 'localhost', `<query xmlns='${info}'${node}/>`);
      return answer
        .child('query', info)!
        .elements()
        .map((one) => one.attribute('var'));
    };
    expect(await features('')).toContain(NS);
    const all = ['action=alert', 'action=drop', 'action=error', 'action=notify'];
    const conditions = ['condition=deliver', 'condition=expire-at', 'condition=match-resource'];
    expect(await features(` node='${NS}'`)).toEqual(
      expect.arrayContaining([NS, ...[...all, ...conditions].map((name) => `${NS}?${name}`)]),
    );
  });

  it.each([
    ['an unknown action', rule('deliver', 'direct', 'explode'), 'bad-request', 'unsupported-actions'],
    ['an unknown condition', rule('weather', 'fine', 'notify'), 'bad-request', 'unsupported-conditions'],
    ['a wrong value', rule('deliver', 'perhaps', 'notify'), 'not-acceptable', 'invalid-rules'],
    ['a wrong resource', rule('match-resource', '__proto__', 'notify'), 'not-acceptable', 'invalid-rules'],
    ['a wrong time', rule('expire-at', 'tomorrow', 'drop'), 'not-acceptable', 'invalid-rules'],
    [
      'another zone',
      rule('expire-at', '2040-01-01T00:00:00+01:00', 'drop'),
      'not-acceptable',
      'invalid-rules',
    ],
    ['nothing said', '<rule/>', 'not-acceptable', 'invalid-rules'],
    ['no rules', '', 'not-acceptable', 'invalid-rules'],
    ['too many', rule('deliver', 'direct', 'notify').repeat(33), 'not-acceptable', 'invalid-rules'],
    [
      'one wrong among others',
      rule('deliver', 'direct', 'notify') + rule('deliver', 'x', 'drop'),
      'not-acceptable',
      'invalid-rules',
    ],
  ])('rules with %s are refused, and the message goes nowhere', async (_name, rules, expected, container) => {
    const romeo = await romeoOn();
    const juliet = await julietFar(romeo);
    const id = send(romeo, juliet.jid, rules);
    const error = await romeo.message();
    expect([error.attribute('id'), error.attribute('type'), error.attribute('from')]).toEqual([
      id,
      'error',
      'localhost',
    ]);
    expect([condition(error), error.child('error')!.attribute('type')]).toEqual([expected, 'modify']);
    const named = error.child('error')!.child(container, NS)!.elements();
    expect(named.length).toBe(
      rules === ''
        ? 0
        : Math.min(
            container === 'invalid-rules' && !rules.includes("'x'") ? rules.split('<rule').length - 1 : 1,
            32,
          ),
    );
    expect(await answers(juliet, romeo)).toEqual([]);
  });

  it.each([
    ['exact', true, 'full'],
    ['any', true, 'full'],
    ['other', false, 'full'],
    ['other', true, 'gone'],
    ['any', true, 'gone'],
    ['exact', false, 'gone'],
    ['other', true, 'bare'],
    ['any', true, 'bare'],
    ['exact', false, 'bare'],
    ['any', false, 'nobody'],
  ])('match-resource %s: %s for an address that is %s', async (value, isMet, address) => {
    const romeo = await romeoOn();
    const juliet = address === 'nobody' ? undefined : await julietFar(romeo);
    const to = {
      full: 'juliet@localhost/balcony',
      gone: 'juliet@localhost/garden',
      bare: 'juliet@localhost',
      nobody: 'juliet@localhost/balcony',
    }[address]!;
    const id = send(romeo, to, rule('match-resource', value, 'notify'));
    if (juliet !== undefined) {
      const message = await juliet.message();
      expect([message.attribute('id'), message.child('amp', NS)]).toEqual([id, undefined]);
    }
    const heard = (await answers(romeo, juliet)).filter((one) => one.attribute('type') !== 'error');
    expect(heard.map(told)).toEqual(isMet ? [`${id} notify match-resource ${value}`] : []);
  });

  it('the first rule that is met counts, even if it is the last', async () => {
    const romeo = await romeoOn();
    const juliet = await julietFar(romeo);
    const rules =
      rule('match-resource', 'other', 'error') +
      rule('deliver', 'stored', 'error') +
      rule('deliver', 'direct', 'notify');
    const id = send(romeo, juliet.jid, rules);
    expect((await juliet.message()).attribute('id')).toBe(id);
    expect((await answers(romeo, juliet)).map(told)).toEqual([`${id} notify deliver direct`]);
  });

  it.each(['full', 'bare'])(
    'the sender hears once that a message was delivered to the %s address',
    async (address) => {
      const romeo = await romeoOn();
      const juliet = await julietFar(romeo);
      const second = await loginOn(server, 'juliet@localhost/garden', 'other', juliet);
      const third = await loginOn(server, 'juliet@localhost/hall', 'same', juliet, { priority: -1 });
      open.push(second, third);
      for (const one of [romeo, juliet, third])
        await one.iq('set', undefined, "<enable xmlns='urn:xmpp:carbons:2'/>");
      const id = send(
        romeo,
        address === 'full' ? juliet.jid : 'juliet@localhost',
        rule('deliver', 'direct', 'notify'),
      );
      await juliet.message();
      if (address === 'bare') await second.message();
      await third.message();
      const heard = [
        ...(await answers(romeo, juliet)),
        ...(await answers(romeo, second)),
        ...(await answers(romeo, third)),
      ];
      expect(heard.map(told)).toEqual([`${id} notify deliver direct`]);
      const amp = heard[0]!.child('amp', NS)!;
      expect([amp.attribute('from'), amp.attribute('to')]).toEqual([
        romeo.jid,
        address === 'full' ? juliet.jid : 'juliet@localhost',
      ]);
      expect(await answers(juliet, third)).toEqual([]);
    },
  );

  it.each(['juliet@localhost', 'juliet@localhost/balcony', 'nobody@localhost', 'romeo@elsewhere.example'])(
    'the sender hears that a message to %s is not delivered; then it comes back as ever',
    async (to) => {
      const romeo = await romeoOn();
      const id = send(romeo, to, rule('deliver', 'none', 'notify'));
      const [answer, error] = await answerAndError(romeo);
      expect(told(answer)).toBe(`${id} notify deliver none`);
      expect([error.attribute('id'), error.attribute('type'), error.attribute('from')]).toEqual([
        id,
        'error',
        to,
      ]);
    },
  );

  it.each(['error', 'alert', 'drop'])(
    '%s keeps a message from a recipient who is there, or is not',
    async (action) => {
      const romeo = await romeoOn();
      const juliet = await julietFar(romeo);
      const expectTold = async (id: string, value: string): Promise<void> => {
        if (action === 'drop') return;
        const message = await romeo.message();
        expect(told(message)).toBe(`${id} ${action} deliver ${value}`);
        expect(message.attribute('type')).toBe(action === 'error' ? 'error' : undefined);
        if (action === 'alert') return;
        const error = message.child('error')!;
        expect([error.attribute('type'), error.attribute('code'), condition(message)]).toEqual([
          'modify',
          '500',
          'undefined-condition',
        ]);
        expect(
          error
            .child('failed-rules', ERRORS)!
            .elements()
            .map((one) => one.attribute('value')),
        ).toEqual([value]);
      };
      await expectTold(send(romeo, juliet.jid, rule('deliver', 'direct', action)), 'direct');
      await expectTold(send(romeo, 'juliet@localhost', rule('deliver', 'direct', action)), 'direct');
      await expectTold(send(romeo, 'nurse@localhost', rule('deliver', 'none', action)), 'none');
      await expectTold(send(romeo, 'nobody@localhost', rule('deliver', 'none', action)), 'none');
      expect(await answers(juliet, romeo)).toEqual([]);
      expect(await answers(romeo)).toEqual([]);
    },
  );

  it('a message that is too late is not delivered; one that is in time is, without a word', async () => {
    const romeo = await romeoOn();
    const juliet = await julietFar(romeo);
    send(romeo, juliet.jid, rule('expire-at', '2004-01-01T00:00:00Z', 'drop'));
    const late = send(romeo, juliet.jid, rule('expire-at', '2004-01-01T00:00:00Z', 'error'));
    expect(told(await romeo.message())).toBe(`${late} error expire-at 2004-01-01T00:00:00Z`);
    const early = send(romeo, juliet.jid, rule('expire-at', '2404-01-01T00:00:00Z', 'error'));
    expect((await juliet.message()).attribute('id')).toBe(early);
    expect(await answers(romeo, juliet)).toEqual([]);
  });

  it('a message without an id is answered all the same; answers and errors are nobody’s rules', async () => {
    const romeo = await romeoOn();
    const juliet = await julietFar(romeo);
    romeo.send(
      `<message to='${juliet.jid}'><amp xmlns='${NS}'>${rule('deliver', 'direct', 'alert')}</amp></message>`,
    );
    expect((await romeo.message()).attribute('id')).toBe('original-id-missing');
    const status = `<amp xmlns='${NS}' status='notify'>${rule('deliver', 'direct', 'drop')}</amp>`;
    romeo.send(`<message to='${juliet.jid}' id='s'>${status}</message>`);
    expect((await juliet.message()).child('amp', NS)?.attribute('status')).toBe('notify');
    const error = send(romeo, juliet.jid, rule('deliver', 'direct', 'drop'), "type='error'");
    expect((await juliet.message()).attribute('id')).toBe(error);
  });
});

describe('with storage', () => {
  beforeAll(() =>
    start(
      '[modules.mod_amp]\n  check_presence = false\n[modules.mod_offline]\n[access]\n  max_user_offline_messages = [ {acl = "all", value = 2} ]',
    ),
  );
  afterAll(() => server.stop());

  it('the sender hears that a message was stored, or that there was no room', async () => {
    const romeo = await romeoOn();
    const rules = rule('deliver', 'stored', 'notify') + rule('deliver', 'none', 'notify');
    for (const to of ['nurse@localhost', 'nurse@localhost/hall']) {
      const id = send(romeo, to, rules);
      expect(told(await romeo.message())).toBe(`${id} notify deliver stored`);
    }
    const id = send(romeo, 'nurse@localhost', rules);
    const [answer, error] = await answerAndError(romeo);
    expect(told(answer)).toBe(`${id} notify deliver none`);
    expect(condition(error)).toBe('resource-constraint');
    const nurse = await loginOn(server, 'nurse@localhost/hall', 'other', romeo);
    open.push(nurse);
    for (let i = 0; i < 2; i++) expect((await nurse.message()).child('amp', NS)).toBeUndefined();
    // That they are delivered now is nothing the rules are about.
    expect(await answers(romeo, nurse)).toEqual([]);
  });

  it('a message that would be stored is not, if it is transient', async () => {
    const romeo = await romeoOn();
    const id = send(romeo, 'juliet@localhost', rule('deliver', 'stored', 'error'));
    expect(told(await romeo.message())).toBe(`${id} error deliver stored`);
    send(romeo, 'juliet@localhost', rule('deliver', 'stored', 'drop'));
    expect(await answers(romeo)).toEqual([]);
    const juliet = await julietFar(romeo);
    expect(await answers(juliet, romeo)).toEqual([]);
  });

  it('an account that does not exist stores nothing', async () => {
    const romeo = await romeoOn();
    const id = send(
      romeo,
      'nobody@localhost',
      rule('deliver', 'stored', 'error') + rule('deliver', 'none', 'alert'),
    );
    expect(told(await romeo.message())).toBe(`${id} alert deliver none`);
  });

  it('a message that became too late while it was stored is not delivered', async () => {
    const romeo = await romeoOn();
    const end = new Date(Math.ceil(Date.now() / 1_000 + 4) * 1_000);
    const value = `${end.toISOString().slice(0, 19)}Z`;
    const late = send(romeo, 'juliet@localhost', rule('expire-at', value, 'alert'));
    const early = send(romeo, 'juliet@localhost', rule('expire-at', '2404-01-01T00:00:00Z', 'alert'));
    expect(await answers(romeo)).toEqual([]);
    // The one thing to wait for is the time.
    while (Date.now() <= end.getTime()) await new Promise((resolve) => setTimeout(resolve, 50));
    const juliet = await julietFar(romeo);
    expect((await juliet.message()).attribute('id')).toBe(early);
    expect((await answers(romeo, juliet)).map(told)).toEqual([`${late} alert expire-at ${value}`]);
  });
});

describe('with privacy lists', () => {
  beforeAll(() =>
    start(
      '[modules.mod_amp]\n  check_presence = false\n[modules.mod_offline]\n[modules.mod_privacy]\n[modules.mod_blocking]',
    ),
  );
  afterAll(() => server.stop());

  const ALL = ['direct', 'stored', 'none'].map((value) => rule('deliver', value, 'notify')).join('');

  it('to whoever is blocked the recipient is not there, whether she is or not', async () => {
    const romeo = await romeoOn();
    const juliet = await julietFar(romeo);
    const item = "<block xmlns='urn:xmpp:blocking'><item jid='romeo@localhost'/></block>";
    expect((await juliet.iq('set', undefined, item)).attribute('type')).toBe('result');
    for (const isThere of [true, false]) {
      for (const to of ['juliet@localhost', juliet.jid]) {
        const id = send(romeo, to, rule('match-resource', 'any', 'error') + ALL);
        const [answer, error] = await answerAndError(romeo);
        expect(told(answer)).toBe(`${id} notify deliver none`);
        expect([error.attribute('id'), condition(error)]).toEqual([id, 'service-unavailable']);
        const kept = send(romeo, to, rule('deliver', 'none', 'error'));
        expect(told(await romeo.message())).toBe(`${kept} error deliver none`);
      }
      if (isThere) {
        expect(await messagesUntilNow(juliet)).toEqual([]);
        open = open.filter((client) => client !== juliet);
        await juliet.close();
        await nobodyThere(romeo, 'juliet@localhost');
      }
    }
    expect(await answers(romeo)).toEqual([]);
    const later = await julietFar(romeo);
    expect(await messagesUntilNow(later)).toEqual([]);
    const unblock = "<unblock xmlns='urn:xmpp:blocking'/>";
    expect((await later.iq('set', undefined, unblock)).attribute('type')).toBe('result');
  });

  it('what the active list of a session keeps away is not delivered, and that is told', async () => {
    const romeo = await romeoOn();
    const juliet = await julietFar(romeo);
    const privacy = (inside: string): Promise<Element> =>
      juliet.iq('set', undefined, `<query xmlns='jabber:iq:privacy'>${inside}</query>`);
    const deny = "<list name='none'><item action='deny' order='1'><message/></item></list>";
    expect((await privacy(deny)).attribute('type')).toBe('result');
    expect((await privacy("<active name='none'/>")).attribute('type')).toBe('result');
    for (const to of ['juliet@localhost', juliet.jid]) {
      const id = send(romeo, to, ALL);
      const [answer, error] = await answerAndError(romeo);
      expect(told(answer)).toBe(`${id} notify deliver none`);
      expect([error.attribute('id'), condition(error)]).toEqual([id, 'service-unavailable']);
    }
    expect(await messagesUntilNow(juliet)).toEqual([]);
  });
});

describe('with a look at who may know (§9)', () => {
  beforeAll(() =>
    start(
      `[modules.mod_amp]\n${fixture('mod_roster', 'mod-roster-stub.ts', 'entries = [{ user = "juliet@localhost", contact = "romeo@localhost", subscription = "from" }]')}`,
    ),
  );
  afterAll(() => server.stop());

  it('a contact is told', async () => {
    const romeo = await romeoOn();
    const juliet = await julietFar(romeo);
    const id = send(romeo, juliet.jid, rule('deliver', 'direct', 'notify'));
    await juliet.message();
    expect((await answers(romeo, juliet)).map(told)).toEqual([`${id} notify deliver direct`]);
  });

  it.each(['nurse@localhost', 'nobody@localhost'])(
    'a stranger is not, and cannot tell whether there is %s',
    async (to) => {
      const romeo = await romeoOn();
      const nurse = await loginOn(server, 'nurse@localhost/hall', 'other', romeo);
      open.push(nurse);
      for (const action of ['notify', 'error', 'alert']) {
        const id = send(romeo, to, rule('deliver', 'direct', action));
        const error = await romeo.message();
        expect([error.attribute('id'), condition(error)]).toEqual([id, 'not-acceptable']);
      }
      send(romeo, to, rule('deliver', 'direct', 'drop'));
      expect(await answers(romeo)).toEqual(to === 'nurse@localhost' ? [] : [expect.anything()]);
      expect(await answers(nurse, romeo)).toEqual([]);
    },
  );
});
