import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import {
  BACKENDS,
  bodies,
  errorText,
  field,
  inboxOf,
  NS_INBOX,
  pages,
  question,
  say,
  set,
} from './inbox-support.ts';
import { condition, errorType, LAB, loginOn } from './support.ts';

/** mod_inbox: which conversations are shown: the form, pages, the bin. */

const USERS = ['romeo', 'juliet', ...Array.from({ length: 6 }, (_, i) => `u${i}`), 'many', 'limited'];

const toml = (backend: string): string => `
[modules.mod_presence]
[modules.mod_inbox]
  backend = "${backend}"
  boxes = ["travel", "a&b"]
${LAB}`;

describe.each(BACKENDS)('questions to an inbox (%s)', (backend) => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;
  const others: TestClient[] = [];
  let stamps: string[] = [];
  const all = ['u5 1', 'u4 1', 'u3 1', 'u2 1', 'u1 1', 'u0 1'];

  beforeAll(async () => {
    server = await TestServer.start({ shards: 2, users: USERS, toml: toml(backend) });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
    for (let i = 0; i < 6; i++) {
      const other = await TestClient.login(server.port(), `u${i}@localhost/x`);
      others.push(other);
      await say(other, juliet, `u${i}`);
    }
    stamps = (await inboxOf(juliet)).shown.map(({ stamp }) => stamp);
  });

  afterAll(async () => {
    for (const client of others) client.cut();
    await romeo.close();
    await juliet.close();
    await server.stop();
  });

  it('have a form, with the boxes of the configuration', async () => {
    const answer = await juliet.iq('get', undefined, `<query xmlns='${NS_INBOX}'/>`);
    const form = answer.child('query', NS_INBOX)!.child('x', 'jabber:x:data')!;
    expect(form.attribute('type')).toBe('form');
    const fields = new Map(form.elements().map((one) => [one.attribute('var'), one]));
    expect([...fields.keys()]).toEqual(
      expect.arrayContaining(['FORM_TYPE', 'start', 'end', 'hidden_read', 'order', 'box', 'archive']),
    );
    expect(fields.get('FORM_TYPE')!.childText('value')).toBe(NS_INBOX);
    const options = (name: string) =>
      fields
        .get(name)!
        .elements()
        .filter((one) => one.name === 'option')
        .map((one) => one.childText('value'));
    expect(options('box')).toEqual(['all', 'inbox', 'archive', 'bin', 'travel', 'a&b']);
    expect(options('order')).toEqual(['asc', 'desc']);
    expect(fields.get('order')!.childText('value')).toBe('desc');
  });

  it.each([
    ['start', 'yesterday'],
    ['end', '2026-13-45T00:00:00Z'],
    ['end', ''],
    ['order', 'sideways'],
    ['hidden_read', 'maybe'],
    ['box', 'nowhere'],
    ['box', '__proto__'],
    ['archive', 'perhaps'],
    ['FORM_TYPE', 'urn:other'],
  ])('are refused for a bad %s: «%s»', async (name, value) => {
    const form = `<x xmlns='jabber:x:data' type='submit'>${field(name, value)}</x>`;
    const answer = await juliet.iq('set', undefined, `<inbox xmlns='${NS_INBOX}'>${form}</inbox>`);
    expect([condition(answer), errorType(answer)]).toEqual(['bad-request', 'modify']);
    expect(errorText(answer)).toBe(`Invalid inbox form field value, field=${name}, value=${value}`);
  });

  it('are refused for a field that nobody knows, a form that is not submitted, and other elements', async () => {
    const unknown = await juliet.iq('set', undefined, question({ constructor: 'x' }));
    expect(condition(unknown)).toBe('bad-request');
    expect(errorText(unknown)).toContain('field=constructor, value=x');
    const cancelled = `<inbox xmlns='${NS_INBOX}'><x xmlns='jabber:x:data' type='cancel'/></inbox>`;
    expect(condition(await juliet.iq('set', undefined, cancelled))).toBe('bad-request');
    expect(condition(await juliet.iq('set', undefined, `<outbox xmlns='${NS_INBOX}'/>`))).toBe('bad-request');
    expect(condition(await juliet.iq('get', undefined, `<inbox xmlns='${NS_INBOX}'/>`))).toBe('bad-request');
  });

  it('are understood with a form of type form, too', async () => {
    const form = `<x xmlns='jabber:x:data' type='form'>${field('order', 'asc')}</x>`;
    expect(await bodies(juliet, `<inbox xmlns='${NS_INBOX}'>${form}</inbox>`)).toEqual([...all].reverse());
  });

  it('have an order, and times, which are included', async () => {
    expect(await bodies(juliet)).toEqual(all);
    expect(await bodies(juliet, question({ order: 'desc' }))).toEqual(all);
    expect(await bodies(juliet, question({ order: 'asc' }))).toEqual([...all].reverse());
    const [newest = '', , third = '', , , oldest = ''] = stamps;
    expect(await bodies(juliet, question({ start: third }))).toEqual(all.slice(0, 3));
    expect(await bodies(juliet, question({ end: third }))).toEqual(all.slice(2));
    expect(await bodies(juliet, question({ start: third, end: third }))).toEqual([all[2]]);
    expect(await bodies(juliet, question({ start: oldest, end: newest, order: 'asc' }))).toEqual(
      [...all].reverse(),
    );
    // The same moment, elsewhere.
    const [, date = '', hour = '', rest = ''] = /^(.*T)(\d\d)(.*)Z$/.exec(third)!;
    if (Number(hour) < 23) {
      const elsewhere = `${date}${String(Number(hour) + 1).padStart(2, '0')}${rest}+01:00`;
      expect(await bodies(juliet, question({ start: elsewhere, end: elsewhere }))).toEqual([all[2]]);
    }
    expect(await bodies(juliet, question({ end: '2002-09-10T23:08:25Z' }))).toEqual([]);
  });

  it('are limited', async () => {
    expect(await bodies(juliet, question({}, pages('<max>2</max>')))).toEqual(all.slice(0, 2));
    expect(await bodies(juliet, question({ order: 'asc' }, pages('<max>1</max>')))).toEqual(['u0 1']);
    expect(await bodies(juliet, question({}, pages('<max>99</max>')))).toEqual(all);
    const none = await inboxOf(juliet, question({}, pages('<max>0</max>')));
    expect([none.shown.length, none.count, none.first]).toEqual([0, 0, undefined]);
  });

  it('have pages, forwards and backwards, in both orders', async () => {
    for (const order of ['desc', 'asc']) {
      const expected = order === 'desc' ? all : [...all].reverse();
      const page = (content: string) => inboxOf(juliet, question({ order }, pages(`<max>2</max>${content}`)));
      const texts = ({ shown }: Awaited<ReturnType<typeof inboxOf>>) =>
        shown.map(({ body, unread }) => `${body} ${unread}`);
      const first = await page('');
      const second = await page(`<after>${first.last}</after>`);
      const third = await page(`<after>${second.last}</after>`);
      const fourth = await page(`<after>${third.last}</after>`);
      expect([first, second, third].flatMap(texts)).toEqual(expected);
      expect([fourth.shown, fourth.first, fourth.last]).toEqual([[], undefined, undefined]);
      const back = await page(`<before>${third.first}</before>`);
      expect(texts(back)).toEqual(texts(second));
      expect([back.first, back.last]).toEqual([second.first, second.last]);
      expect(texts(await page(`<before>${second.first}</before>`))).toEqual(texts(first));
      expect(texts(await page('<before/>'))).toEqual(texts(third));
      expect(texts(await page(`<before>${first.first}</before>`))).toEqual([]);
      const whole = await inboxOf(juliet, question({ order }, pages(`<before>${third.first}</before>`)));
      expect(texts(whole)).toEqual(expected.slice(0, 4));
    }
  });

  it('go by the page rather than by the time of the form on that side', async () => {
    const [, second = '', , , fifth = ''] = stamps;
    const { last } = await inboxOf(juliet, question({}, pages('<max>3</max>')));
    const after = pages(`<after>${last}</after>`);
    expect(await bodies(juliet, question({ end: second }, after))).toEqual(all.slice(3));
    expect(await bodies(juliet, question({ start: fifth }, after))).toEqual(all.slice(3, 5));
    const before = pages(`<max>9</max><before>${last}</before>`);
    expect(await bodies(juliet, question({ start: fifth }, before))).toEqual(all.slice(0, 2));
  });

  it.each([
    ['<index>1</index>', 'feature-not-implemented', 'cancel'],
    ['<max>many</max>', 'bad-request', 'modify'],
    ['<max>-1</max>', 'bad-request', 'modify'],
    ['<after>%%%</after>', 'bad-request', 'modify'],
    ['<after>Zm9v</after>', 'bad-request', 'modify'],
    ['<before>99999999999999999999</before>', 'bad-request', 'modify'],
  ])('are refused for the page %s', async (page, expected, type) => {
    const answer = await juliet.iq('set', undefined, question({}, pages(page)));
    expect([condition(answer), errorType(answer)]).toEqual([expected, type]);
  });

  it('can be about one box; the bin is shown only then, until it is emptied', async () => {
    expect((await set(juliet, 'u0@localhost', '<box>bin</box>')).attribute('type')).toBe('result');
    await set(juliet, 'u1@localhost', '<box>archive</box>');
    await set(juliet, 'u2@localhost', '<box>travel</box>');
    await set(juliet, 'u3@localhost', '<box>a&amp;b</box>');
    expect(await bodies(juliet)).toEqual(all.slice(0, 5));
    expect(await bodies(juliet, question({ box: 'all' }))).toEqual(all.slice(0, 5));
    expect(await bodies(juliet, question({ box: 'inbox' }))).toEqual(all.slice(0, 2));
    expect(await bodies(juliet, question({ box: 'archive' }))).toEqual(['u1 1']);
    expect(await bodies(juliet, question({ archive: 'true' }))).toEqual(['u1 1']);
    expect(await bodies(juliet, question({ archive: 'false' }))).toEqual(all.slice(0, 2));
    // The newer field wins.
    expect(await bodies(juliet, question({ archive: 'true', box: 'travel' }))).toEqual(['u2 1']);
    const odd = await inboxOf(juliet, question({ box: 'a&amp;b' }));
    expect(odd.shown[0]).toMatchObject({ box: 'a&b', archive: 'false' });
    expect(await bodies(juliet, question({ box: 'bin' }))).toEqual(['u0 1']);
    const empty = (): Promise<number> =>
      juliet
        .iq('set', undefined, `<empty-bin xmlns='${NS_INBOX}'/>`)
        .then((answer) => Number(answer.child('empty-bin', NS_INBOX)!.childText('num')));
    expect(await empty()).toBe(1);
    expect(await empty()).toBe(0);
    expect(await bodies(juliet, question({ box: 'bin' }))).toEqual([]);
    for (const user of ['u1', 'u2', 'u3']) await set(juliet, `${user}@localhost`, '<box>inbox</box>');
    expect(await bodies(juliet)).toEqual(all.slice(0, 5));
  });

  it('about a long inbox are answered in parts, and other requests go on meanwhile', async () => {
    const many = await loginOn(server, 'many@localhost/x', 'other', juliet);
    const total = 450;
    for (let i = 0; i < total; i++) {
      many.send(
        `<message type='chat' to='peer${i}@localhost'><body>${i} ${'x'.repeat(3_000)}</body></message>`,
      );
      if (i % 50 === 49) await many.iq('get', undefined, "<nothing xmlns='urn:test:nothing'/>");
    }
    const { shown, count } = await inboxOf(many);
    expect(count).toBe(total);
    expect(shown.map(({ to }) => to)).toEqual(
      Array.from({ length: total }, (_, i) => `peer${total - 1 - i}@localhost`),
    );
    // A second question while the answer is on its way.
    many.send(`<iq type='set' id='one'>${question()}</iq><iq type='set' id='two'>${question()}</iq>`);
    const answers = [
      await many.until(({ name }) => name === 'iq'),
      await many.until(({ name }) => name === 'iq'),
    ];
    const kinds = new Map(answers.map((answer) => [answer.attribute('id'), condition(answer)]));
    expect(kinds).toEqual(
      new Map([
        ['two', 'resource-constraint'],
        ['one', undefined],
      ]),
    );
    const back = await inboxOf(many, question({}, pages('<max>300</max><before/>')));
    expect(back.shown.length).toBe(300);
    expect(back.shown.at(-1)!.to).toBe('peer0@localhost');
    await many.close();
  });
});

describe('max_result_limit', () => {
  it('limits every answer', async () => {
    const toml = '[modules.mod_presence]\n[modules.mod_inbox]\n  max_result_limit = 2\n';
    const server = await TestServer.start({ shards: 2, users: ['limited'], toml });
    try {
      const client = await TestClient.login(server.port(), 'limited@localhost/x');
      for (const name of ['a', 'b', 'c']) {
        client.send(`<message type='chat' to='${name}@localhost'><body>${name}</body></message>`);
        await client.until(({ name: kind }) => kind === 'message');
      }
      expect(await bodies(client)).toEqual(['c 0', 'b 0']);
      expect(await bodies(client, question({}, pages('<max>5</max>')))).toEqual(['c 0', 'b 0']);
      expect(await bodies(client, question({}, pages('<max>1</max>')))).toEqual(['c 0']);
      expect(await bodies(client, question({}, pages('<before/>')))).toEqual(['b 0', 'a 0']);
    } finally {
      await server.stop();
    }
  });
});
