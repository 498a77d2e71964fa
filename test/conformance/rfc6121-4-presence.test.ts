import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';
import {
  befriend,
  heard,
  inWords,
  next,
  ROSTER_MODULES,
  setItem,
} from '../scenario/modules/roster-support.ts';
import { loginOn, presence } from '../scenario/modules/support.ts';

/** RFC 6121 §4, with rosters, over the wire and over two shards: Romeo and Juliet see each other, the nurse nobody. */

const ROMEO = 'romeo@localhost';
const JULIET = 'juliet@localhost';

describe('RFC 6121 §4', () => {
  let server: TestServer;
  const open: TestClient[] = [];

  beforeAll(async () => {
    server = await TestServer.start({ users: ['romeo', 'juliet', 'nurse'], toml: ROSTER_MODULES });
    const romeo = await TestClient.login(server.port(), `${ROMEO}/orchard`);
    const juliet = await loginOn(server, `${JULIET}/balcony`, 'other', romeo);
    await befriend(romeo, juliet);
    await romeo.close();
    await juliet.close();
  });

  afterAll(() => server.stop());

  afterEach(async () => {
    for (const client of open.splice(0)) await client.close();
  });

  async function connected(jid: string, other?: TestClient): Promise<TestClient> {
    const client =
      other === undefined
        ? await TestClient.login(server.port(), jid, { isAvailable: false })
        : await loginOn(server, jid, 'other', other, { isAvailable: false });
    open.push(client);
    return client;
  }

  /** Both are available, on different shards, and have heard of each other. */
  async function couple(): Promise<[romeo: TestClient, juliet: TestClient]> {
    const romeo = await connected(`${ROMEO}/orchard`);
    romeo.send('<presence/>');
    await presence(romeo);
    const juliet = await connected(`${JULIET}/balcony`, romeo);
    juliet.send('<presence/>');
    await next(juliet, 2);
    await presence(romeo);
    return [romeo, juliet];
  }

  it('§4.2.2: initial presence goes to contacts with a subscription, to the own resources, and to the sender', async () => {
    const [romeo, juliet] = await couple();
    const garden = await connected(`${ROMEO}/garden`, romeo);
    garden.send('<presence><show>chat</show></presence>');
    for (const client of [romeo, juliet]) {
      const seen = await presence(client);
      expect([inWords(seen), seen.childText('show')]).toEqual([`available from ${ROMEO}/garden`, 'chat']);
    }
    // §4.2.2, §4.3.1: its own, the other resource's, and the contact's, which the server asked for.
    expect((await next(garden, 3)).sort()).toEqual([
      `available from ${JULIET}/balcony`,
      `available from ${ROMEO}/garden`,
      `available from ${ROMEO}/orchard`,
    ]);
  });

  it('§4.2.3: it is delivered to every available resource of a contact', async () => {
    const [romeo, juliet] = await couple();
    const chamber = await connected(`${JULIET}/chamber`, juliet);
    chamber.send('<presence/>');
    await next(chamber, 3);
    await presence(juliet);
    await presence(romeo);
    const silent = await connected(`${JULIET}/silent`);
    romeo.send('<presence><show>dnd</show></presence>');
    for (const client of [juliet, chamber]) expect((await presence(client)).childText('show')).toBe('dnd');
    await silent.nothingElse();
  });

  it('§4.3.2: a probe is answered with the last presence and its time, by every resource', async () => {
    const [romeo, juliet] = await couple();
    juliet.send('<presence><show>away</show><status>ü</status></presence>');
    await presence(juliet);
    await presence(romeo);
    for (const to of [JULIET, `${JULIET}/balcony`]) {
      for (let round = 0; round < 2; round++) {
        romeo.send(`<presence type='probe' to='${to}'/>`);
        const answer = await presence(romeo);
        expect(inWords(answer)).toBe(`available from ${JULIET}/balcony`);
        expect([answer.childText('show'), answer.childText('status')]).toEqual(['away', 'ü']);
        expect(answer.elements().filter(({ name }) => name === 'delay')).toHaveLength(1);
      }
    }
    // What contacts are told later bears no time.
    await setItem(juliet, "<item jid='nurse@localhost'/>");
    romeo.send("<presence type='unavailable'/><presence/>");
    expect(inWords(await presence(juliet))).toBe(`unavailable from ${ROMEO}/orchard`);
  });

  it('§4.3.2: nobody without a subscription learns anything', async () => {
    await couple();
    const nurse = await connected('nurse@localhost/kitchen');
    nurse.send('<presence/>');
    await presence(nurse);
    for (const to of [ROMEO, `${ROMEO}/orchard`]) nurse.send(`<presence type='probe' to='${to}'/>`);
    expect(await heard(nurse)).toEqual([]);
  });

  it('§4.4.2: later presence goes to the same, and nobody is asked again', async () => {
    const [romeo, juliet] = await couple();
    romeo.send('<presence><show>xa</show></presence>');
    expect((await presence(juliet)).childText('show')).toBe('xa');
    expect((await presence(romeo)).childText('show')).toBe('xa');
    expect(await heard(romeo)).toEqual([]);
    expect(await heard(juliet)).toEqual([]);
  });

  it('§4.5.2: unavailable presence goes to the same, and to whoever was sent directed presence', async () => {
    const [romeo, juliet] = await couple();
    const nurse = await connected('nurse@localhost/kitchen');
    romeo.send(`<presence to='${nurse.jid}'/>`);
    await presence(nurse);
    romeo.send("<presence type='unavailable'><status>gone</status></presence>");
    for (const client of [juliet, nurse, romeo]) {
      const gone = await presence(client);
      expect([inWords(gone), gone.childText('status')]).toEqual([
        `unavailable from ${ROMEO}/orchard`,
        'gone',
      ]);
    }
    // §4.5.4: it is not available for anything that is sent to the account.
    juliet.send('<presence><show>away</show></presence>');
    await presence(juliet);
    expect(await heard(romeo)).toEqual([]);
  });

  it.each(['close', 'cut'] as const)('§4.5.2: so does the server when the client ends by %s', async (how) => {
    const [romeo, juliet] = await couple();
    if (how === 'close') await romeo.close();
    else romeo.cut();
    expect(inWords(await presence(juliet))).toBe(`unavailable from ${ROMEO}/orchard`);
    expect(await heard(juliet)).toEqual([]);
  });

  it('§4.6.3: directed presence to a contact does not change what he is told later', async () => {
    const [romeo, juliet] = await couple();
    romeo.send(`<presence to='${JULIET}'><show>chat</show></presence>`);
    expect((await presence(juliet)).childText('show')).toBe('chat');
    romeo.send(`<presence to='${JULIET}' type='unavailable'/><presence><show>away</show></presence>`);
    expect((await presence(juliet)).attribute('type')).toBe('unavailable');
    expect((await presence(juliet)).childText('show')).toBe('away');
    await romeo.close();
    expect(inWords(await presence(juliet))).toBe(`unavailable from ${ROMEO}/orchard`);
    expect(await heard(juliet)).toEqual([]);
  });
});
