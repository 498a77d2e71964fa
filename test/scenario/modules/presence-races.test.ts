import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serialize } from '../../../src/xml/writer.ts';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { fixture, LAB, loginOn, nobodyThere, presence } from './support.ts';

/** Presence that changes while what it depends on is still being looked up: the last word that contacts hear is the last that there was. */

const CONTACTS = Array.from({ length: 12 }, (_, i) => ({ name: `contact${i}`, seesParis: i % 2 === 0 }));
const entry = (user: string, contact: string, subscription: string): string =>
  `{ user = "${user}@localhost", contact = "${contact}@localhost", subscription = "${subscription}" }`;
const ROSTER = fixture(
  'mod_roster',
  'mod-roster-stub.ts',
  `entries = [${[
    entry('alice', 'bob', 'both'),
    entry('bob', 'alice', 'both'),
    entry('erin', 'bob', 'both'),
    entry('bob', 'erin', 'both'),
    ...CONTACTS.flatMap(({ name, seesParis }) => [
      entry('paris', name, seesParis ? 'from' : 'to'),
      entry(name, 'paris', seesParis ? 'to' : 'from'),
    ]),
  ].join(',\n')}]`,
);

describe.each([1, 2])('presence on %i shards', (shards) => {
  let server: TestServer;
  let directory: string;
  const file = (name: string): string => join(directory, `hold.${name}`);
  const there = (name: string): Promise<void> => expect.poll(() => existsSync(file(name))).toBe(true);

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'mk-presence-'));
    const waiting = `file = "${join(directory, 'hold')}"\nlists = ["alice"]\ncontacts = ["erin"]\nslow = ["paris"]`;
    server = await TestServer.start({
      shards,
      users: ['alice', 'bob', 'carol', 'erin', 'paris', ...CONTACTS.map(({ name }) => name)],
      toml: `[modules.mod_presence]\n[modules.mod_privacy]\n${ROSTER}\n${LAB}\n${fixture('mod_waiting', 'mod-waiting.ts', waiting)}`,
    });
  });

  afterAll(async () => {
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  it('of a session that ended before its contacts were known is told to nobody', async () => {
    const bob = await TestClient.login(server.port(), 'bob@localhost/desk');
    const place = shards === 1 ? 'same' : 'other';
    const alice = await loginOn(server, 'alice@localhost/desk', place, bob, { isAvailable: false });
    const carol = await loginOn(server, 'carol@localhost/desk', 'same', alice);
    alice.send('<presence/>');
    await there('lists.asked');
    alice.cut();
    await nobodyThere(carol, 'alice@localhost');
    writeFileSync(file('lists'), '');
    await there('lists.done');
    carol.send("<message to='bob@localhost/desk' type='chat'><body>now</body></message>");
    const heard: Element[] = [];
    for (let one = await bob.element(); one.name !== 'message'; one = await bob.element()) heard.push(one);
    expect(heard.map((one) => serialize(one))).toEqual([]);
    // All is well for the next one.
    const again = await TestClient.login(server.port(), 'alice@localhost/desk');
    expect((await presence(bob)).attribute('type')).toBeUndefined();
    await again.close();
    expect((await presence(bob)).attribute('type')).toBe('unavailable');
    await Promise.all([bob, carol].map((client) => client.close()));
  });

  it('of somebody who came while a probe of him was looked into is not followed by a word that he is not there', async () => {
    const bob = await TestClient.login(server.port(), 'bob@localhost/desk');
    bob.send("<presence type='probe' to='erin@localhost'/>");
    await there('contacts.asked');
    const place = shards === 1 ? 'same' : 'other';
    const erin = await loginOn(server, 'erin@localhost/desk', place, bob);
    const first = await bob.until((one) => one.attribute('from')?.startsWith('erin@') === true);
    expect([first.attribute('from'), first.attribute('type')]).toEqual(['erin@localhost/desk', undefined]);
    writeFileSync(file('contacts'), '');
    // Now erin answers the probe herself.
    const second = await presence(bob);
    expect([second.attribute('from'), second.attribute('type')]).toEqual(['erin@localhost/desk', undefined]);
    await bob.nothingElse();
    await Promise.all([bob, erin].map((client) => client.close()));
  });

  it('goes by the list that depends on rosters for each contact alone, whoever is asked and told at once', async () => {
    const paris = await TestClient.login(server.port(), 'paris@localhost/desk', { isAvailable: false });
    // Whom paris sees he does not even ask.
    const item = "<item type='subscription' value='to' action='deny' order='1'/>";
    await paris.iq(
      'set',
      undefined,
      `<query xmlns='jabber:iq:privacy'><list name='l'>${item}</list></query>`,
    );
    await paris.iq('set', undefined, "<query xmlns='jabber:iq:privacy'><default name='l'/></query>");
    const contacts = await Promise.all(
      CONTACTS.map(async ({ name, seesParis }) => ({
        client: await TestClient.login(server.port(), `${name}@localhost/desk`),
        seesParis,
      })),
    );
    for (let round = 0; round < 5; round++) {
      paris.send('<presence/>');
      await presence(paris);
      paris.send("<presence type='unavailable'/>");
      for (const { client, seesParis } of contacts) {
        if (seesParis) {
          for (const type of [undefined, 'unavailable'])
            expect((await presence(client)).attribute('type')).toBe(type);
        }
        await client.nothingElse();
      }
      while ((await presence(paris)).attribute('type') !== 'unavailable');
    }
    await Promise.all([paris, ...contacts.map(({ client }) => client)].map((client) => client.close()));
  });
});
