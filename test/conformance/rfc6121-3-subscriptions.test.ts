import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { meerkat } from '../helpers/meerkat.ts';
import { TestServer } from '../helpers/server.ts';
import {
  befriend,
  heard,
  inWords,
  next,
  push,
  ROSTER_MODULES,
  roster,
  setItem,
} from '../scenario/modules/roster-support.ts';
import { condition, loginOn, presence } from '../scenario/modules/support.ts';

/** mod_roster and mod_presence: subscriptions (RFC 6121 §3), each story on one shard and with the two sides on different ones. */

const ROMEO = 'romeo@localhost';
const JULIET = 'juliet@localhost';

describe.each(['one shard', 'two shards'])('subscriptions on %s', (where) => {
  let server: TestServer;
  const open: TestClient[] = [];

  beforeAll(async () => {
    server = await TestServer.start({
      shards: where === 'one shard' ? 1 : 2,
      users: ['romeo', 'juliet', 'nurse', 'mercutio', 's1', 's2', 's3'],
      toml: ROSTER_MODULES.replace('[modules.mod_roster]', '[modules.mod_roster]\n  max_requests = 2'),
    });
  });

  afterAll(() => server.stop());

  afterEach(async () => {
    for (const client of open.splice(0)) client.cut();
    for (const user of [ROMEO, JULIET, 'nurse@localhost']) {
      const client = await TestClient.login(server.port(), `${user}/clean`);
      for (const item of await roster(client)) {
        await setItem(client, `<item jid='${item.split(' ')[0]}' subscription='remove'/>`);
      }
      for (const other of [ROMEO, JULIET, 'nurse@localhost']) {
        client.send(`<presence to='${other}' type='unsubscribed'/>`);
      }
      await heard(client);
      await client.close();
    }
  });

  async function login(jid: string, isAvailable = true): Promise<TestClient> {
    const client = await TestClient.login(server.port(), jid, { isAvailable });
    open.push(client);
    return client;
  }

  /** Romeo and Juliet, on different shards where there are two; both available, with their rosters. */
  async function couple(): Promise<[romeo: TestClient, juliet: TestClient]> {
    const romeo = await login(`${ROMEO}/orchard`);
    let juliet: TestClient;
    if (where === 'one shard') juliet = await login(`${JULIET}/balcony`);
    else {
      juliet = await loginOn(server, `${JULIET}/balcony`, 'other', romeo);
      open.push(juliet);
    }
    await roster(romeo);
    await roster(juliet);
    return [romeo, juliet];
  }

  async function friends(): Promise<[romeo: TestClient, juliet: TestClient]> {
    const [romeo, juliet] = await couple();
    await befriend(romeo, juliet);
    await heard(romeo);
    await heard(juliet);
    // What the other side sends because of it is there now, too.
    await heard(romeo);
    await heard(juliet);
    return [romeo, juliet];
  }

  it('§3.1: a request, from bare JID to bare JID; the roster says that it waits, the other one’s says nothing', async () => {
    const [romeo, juliet] = await couple();
    romeo.send(
      `<presence to='${JULIET}/balcony' type='subscribe' id='p1'><status>Hi &lt;3</status></presence>`,
    );
    expect(await push(romeo)).toBe(`${JULIET} none ask=subscribe`);
    const request = await presence(juliet);
    expect([request.attribute('type'), request.attribute('from'), request.attribute('to')]).toEqual([
      'subscribe',
      ROMEO,
      JULIET,
    ]);
    expect(request.childText('status')).toBe('Hi <3');
    expect(await roster(juliet)).toEqual([]);
    expect(await heard(juliet)).toEqual([]);
  });

  it('§3.1.5, §3.1.6: agreed to: first the answer, then the push, then presence', async () => {
    const [romeo, juliet] = await couple();
    const garden = await login(`${ROMEO}/garden`);
    await roster(garden);
    romeo.send(`<presence to='${JULIET}' type='subscribe'/>`);
    await presence(juliet);
    await push(garden);
    await heard(romeo);
    juliet.send(`<presence to='${ROMEO}' type='subscribed'/>`);
    expect(await push(juliet)).toBe(`${ROMEO} from`);
    for (const client of [romeo, garden]) {
      const story = await next(client, 3);
      expect(story).toEqual([
        `subscribed from ${JULIET}`,
        `push ${JULIET} to`,
        `available from ${JULIET}/balcony`,
      ]);
    }
    expect(await roster(juliet)).toEqual([`${ROMEO} from`]);
  });

  it('§3.1.4: a refusal takes the request back; nothing is left of it on either side but the contact', async () => {
    const [romeo, juliet] = await couple();
    romeo.send(`<presence to='${JULIET}' type='subscribe'/>`);
    await presence(juliet);
    await push(romeo);
    juliet.send(`<presence to='${ROMEO}' type='unsubscribed'/>`);
    expect(await next(romeo, 2)).toEqual([`unsubscribed from ${JULIET}`, `push ${JULIET} none`]);
    expect(await roster(juliet)).toEqual([]);
    expect(await roster(romeo)).toEqual([`${JULIET} none`]);
  });

  it('§3.1.3: a request waits for its user, and comes at each login until it is answered', async () => {
    const romeo = await login(`${ROMEO}/orchard`);
    romeo.send(`<presence to='${JULIET}' type='subscribe'><status>It is I</status></presence>`);
    await push(romeo);
    for (let round = 0; round < 2; round++) {
      const juliet = await TestClient.login(server.port(), `${JULIET}/balcony`, { isAvailable: false });
      juliet.send('<presence/>');
      const request = await juliet.until((e) => e.attribute('type') === 'subscribe');
      expect(request.attribute('from')).toBe(ROMEO);
      expect(request.childText('status')).toBe('It is I');
      // Later presence does not repeat it.
      juliet.send('<presence><show>away</show></presence>');
      expect(await heard(juliet)).not.toContain(`subscribe from ${ROMEO}`);
      await juliet.close();
    }
    const juliet = await login(`${JULIET}/balcony`, false);
    juliet.send(`<presence/><presence to='${ROMEO}' type='subscribed'/>`);
    expect(await push(juliet)).toBe(`${ROMEO} from`);
    const again = await login(`${JULIET}/chamber`, false);
    again.send('<presence/>');
    await again.until((e) => e.attribute('from') === again.jid);
    expect((await heard(again)).filter((one) => one.startsWith('subscribe'))).toEqual([]);
  });

  it('keeps name and groups of a contact through a subscription', async () => {
    const [romeo, juliet] = await couple();
    await setItem(romeo, `<item jid='${JULIET}' name='Sun'><group>East</group></item>`);
    romeo.send(`<presence to='${JULIET}' type='subscribe'/>`);
    await presence(juliet);
    juliet.send(`<presence to='${ROMEO}' type='subscribed'/>`);
    while ((await push(romeo)) !== `${JULIET} "Sun" to [East]`);
    expect(await roster(romeo)).toEqual([`${JULIET} "Sun" to [East]`]);
  });

  it('shows a contact in the roster who asks, if the user has put him there', async () => {
    const [romeo, juliet] = await couple();
    await setItem(juliet, `<item jid='${ROMEO}' name='R'/>`);
    romeo.send(`<presence to='${JULIET}' type='subscribe'/>`);
    await juliet.until((e) => e.attribute('type') === 'subscribe');
    expect(await roster(juliet)).toEqual([`${ROMEO} "R" none`]);
  });

  it('both see each other, their changes, and their end', async () => {
    const [romeo, juliet] = await friends();
    expect(await roster(romeo)).toEqual([`${JULIET} both`]);
    expect(await roster(juliet)).toEqual([`${ROMEO} both`]);
    romeo.send('<presence><show>away</show></presence>');
    const seen = await presence(juliet);
    expect([seen.attribute('from'), seen.attribute('to'), seen.childText('show')]).toEqual([
      romeo.jid,
      JULIET,
      'away',
    ]);
    await romeo.close();
    expect(inWords(await presence(juliet))).toBe(`unavailable from ${ROMEO}/orchard`);
    const again = await login(`${ROMEO}/orchard`, false);
    again.send('<presence/>');
    const answer = await again.until((e) => e.attribute('from') === juliet.jid);
    expect(answer.child('delay', 'urn:xmpp:delay')).toBeDefined();
    expect(inWords(await presence(juliet))).toBe(`available from ${ROMEO}/orchard`);
    expect(await heard(juliet)).toEqual([]);
  });

  it('§3.2: the contact takes a subscription back: answer, push, then unavailable presence', async () => {
    const [romeo, juliet] = await friends();
    juliet.send(`<presence to='${ROMEO}' type='unsubscribed'/>`);
    expect(await push(juliet)).toBe(`${ROMEO} to`);
    expect(await next(romeo, 3)).toEqual([
      `unsubscribed from ${JULIET}`,
      `push ${JULIET} from`,
      `unavailable from ${JULIET}/balcony`,
    ]);
    juliet.send('<presence><show>xa</show></presence>');
    await presence(juliet);
    romeo.send('<presence><show>dnd</show></presence>');
    expect((await juliet.until((e) => e.attribute('from') === romeo.jid)).childText('show')).toBe('dnd');
    expect(await next(romeo, 1)).toEqual([`available from ${ROMEO}/orchard`]);
    expect(await heard(romeo)).toEqual([]);
  });

  it('§3.3: the user gives a subscription up: the contact is told, and answers with unavailable presence', async () => {
    const [romeo, juliet] = await friends();
    romeo.send(`<presence to='${JULIET}' type='unsubscribe'/>`);
    const told = await next(juliet, 2);
    expect(told).toEqual([`unsubscribe from ${ROMEO}`, `push ${ROMEO} to`]);
    const story = await romeo.until((e) => e.attribute('type') === 'unavailable').then((e) => inWords(e));
    expect(story).toBe(`unavailable from ${JULIET}/balcony`);
    expect(await roster(romeo)).toEqual([`${JULIET} from`]);
  });

  it('§2.5.2: removing a contact ends both directions, and he sees the user leave', async () => {
    const [romeo, juliet] = await friends();
    expect((await setItem(romeo, `<item jid='${JULIET}' subscription='remove'/>`)).attribute('type')).toBe(
      'result',
    );
    const story: string[] = [];
    while (story.at(-1) !== `unavailable from ${ROMEO}/orchard`) story.push(inWords(await juliet.element()));
    expect(story).toContain(`unsubscribe from ${ROMEO}`);
    expect(story).toContain(`unsubscribed from ${ROMEO}`);
    expect(story).toContain(`push ${ROMEO} none`);
    expect(await roster(juliet)).toEqual([`${ROMEO} none`]);
    expect(await roster(romeo)).toEqual([]);
    juliet.send('<presence><show>xa</show></presence>');
    await presence(juliet);
    romeo.send('<presence><show>xa</show></presence>');
    await presence(romeo);
    expect(await heard(juliet)).toEqual([]);
  });

  it('§3.4: agreed to in advance: the request is granted without asking', async () => {
    const [romeo, juliet] = await couple();
    juliet.send(`<presence to='${ROMEO}' type='subscribed'/>`);
    expect(await push(juliet)).toBe(`${ROMEO} none approved`);
    // Nobody asked, so nobody is told.
    expect(await heard(romeo)).toEqual([]);
    romeo.send(`<presence to='${JULIET}' type='subscribe'/>`);
    expect(await push(juliet)).toBe(`${ROMEO} from`);
    await push(romeo);
    expect(await next(romeo, 3)).toEqual([
      `subscribed from ${JULIET}`,
      `push ${JULIET} to`,
      `available from ${JULIET}/balcony`,
    ]);
    expect(await heard(juliet)).toEqual([]);
  });

  it('§3.4.2: an approval in advance is taken back', async () => {
    const [romeo, juliet] = await couple();
    juliet.send(`<presence to='${ROMEO}' type='subscribed'/><presence to='${ROMEO}' type='unsubscribed'/>`);
    expect(await push(juliet)).toBe(`${ROMEO} none approved`);
    expect(await push(juliet)).toBe(`${ROMEO} none`);
    expect(await heard(romeo)).toEqual([]);
    romeo.send(`<presence to='${JULIET}' type='subscribe'/>`);
    expect((await presence(juliet)).attribute('type')).toBe('subscribe');
  });

  it('a request of somebody who may see the user already does not bother him', async () => {
    const [romeo, juliet] = await friends();
    juliet.send(`<presence to='${ROMEO}' type='subscribe'/>`);
    await heard(juliet);
    expect(await heard(romeo)).toEqual([]);
    expect(await roster(juliet)).toEqual([`${ROMEO} both`]);
  });

  it.each(['subscribed', 'unsubscribed', 'unsubscribe'])(
    '%s that nobody asked for changes nothing, and the user does not hear of it',
    async (type) => {
      const [romeo, juliet] = await couple();
      juliet.send(`<presence to='${ROMEO}' type='${type}'/>`);
      await heard(juliet);
      expect(await heard(romeo)).toEqual([]);
      expect(await roster(romeo)).toEqual([]);
    },
  );

  it('to accounts that do not exist: the request waits, and nothing comes back', async () => {
    const [romeo] = await couple();
    romeo.send(
      "<presence to='nobody@localhost' type='subscribe'/><presence to='nobody@localhost' type='probe'/>",
    );
    expect(await push(romeo)).toBe('nobody@localhost none ask=subscribe');
    expect(await heard(romeo)).toEqual([]);
    await setItem(romeo, "<item jid='nobody@localhost' subscription='remove'/>");
  });

  it('requests of strangers: only so many wait, the next ones are told', async () => {
    const users = ['s1', 's2', 's3'];
    const strangers: TestClient[] = [];
    for (const user of users) {
      const client = await login(`${user}@localhost/x`);
      strangers.push(client);
      client.send(`<presence to='${JULIET}' type='subscribe'/>`);
      if (user !== 's3') await push(client);
    }
    const refused = await strangers[2]!.until((e) => e.attribute('type') === 'error');
    expect([refused.attribute('from'), condition(refused)]).toEqual([JULIET, 'resource-constraint']);
    // One whom the user wants to have gets through.
    const juliet = await login(`${JULIET}/balcony`);
    await setItem(juliet, "<item jid='s3@localhost'/>");
    strangers[2]!.send(`<presence to='${JULIET}' type='subscribe'/>`);
    await juliet.until((e) => e.attribute('type') === 'subscribe' && e.attribute('from') === 's3@localhost');
    for (const user of users) juliet.send(`<presence to='${user}@localhost' type='unsubscribed'/>`);
    await heard(juliet);
  });

  it('§4.3.2: a probe of somebody who may see the user says that he is away; strangers hear nothing', async () => {
    const [romeo, juliet] = await friends();
    await juliet.close();
    await romeo.until((e) => e.attribute('type') === 'unavailable');
    romeo.send(`<presence to='${JULIET}' type='probe'/>`);
    expect(inWords(await presence(romeo))).toBe(`unavailable from ${JULIET}`);
    const nurse = await login('nurse@localhost/kitchen');
    nurse.send(`<presence to='${JULIET}' type='probe'/><presence to='${ROMEO}' type='probe'/>`);
    expect(await heard(nurse)).toEqual([]);
  });

  it('a user who is removed leaves the rosters of his contacts as one who is not subscribed any more', async () => {
    const [romeo] = await couple();
    const alive = await login('mercutio@localhost/square');
    await befriend(romeo, alive);
    const exported = await meerkat([
      'user',
      'export',
      'mercutio@localhost',
      '--json',
      '--config',
      server.configFile,
    ]);
    const { tables } = JSON.parse(exported.stdout) as { tables: { name: string; rows: unknown[] }[] };
    expect(tables.find(({ name }) => name === 'roster')?.rows).toMatchObject([
      [ROMEO, '', 'both', 'none', '', '', '', ''],
    ]);
    alive.send(
      "<iq type='set' id='r' to='localhost'><query xmlns='jabber:iq:register'><remove/></query></iq>",
    );
    const seen: string[] = [];
    while (!seen.includes('push mercutio@localhost none')) seen.push(inWords(await romeo.element()));
    expect(seen).toContain('unsubscribed from mercutio@localhost');
    expect(seen).toContain('unsubscribe from mercutio@localhost');
    expect(await roster(romeo)).toEqual(['mercutio@localhost none']);
  });

  it('every session of the user follows a change, on whichever shard it is, and none tells a contact twice', async () => {
    const [romeo, juliet] = await friends();
    const near = await login(`${JULIET}/chamber`);
    await romeo.until((e) => e.attribute('from') === near.jid);
    await heard(romeo);
    juliet.send(`<presence to='${ROMEO}' type='unsubscribed'/>`);
    const gone: string[] = [];
    while (gone.length < 2) {
      const seen = await romeo.element();
      if (seen.attribute('type') === 'unavailable') gone.push(seen.attribute('from')!);
    }
    expect(gone.sort()).toEqual([`${JULIET}/balcony`, `${JULIET}/chamber`]);
    for (const client of [juliet, near]) {
      client.send('<presence><show>away</show></presence>');
      await client.until((e) => e.attribute('from') === client.jid && e.childText('show') === 'away');
    }
    expect(await heard(romeo)).toEqual([]);
  });
});
