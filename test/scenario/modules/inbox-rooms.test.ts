import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { BACKENDS, type Backend, bodies, inboxOf, properties, say } from './inbox-support.ts';
import { fixture, LAB, loginOn, messagesUntilNow } from './support.ts';

/** mod_inbox: conversations in rooms, which the test's own module plays. */

const ROOMS = 'urn:test:rooms';
const MARKERS = 'urn:xmpp:chat-markers:0';
const USERS = Array.from({ length: 40 }, (_, i) => `u${i}`);

const toml = (options: string): string => `
[modules.mod_presence]
[modules.mod_stanzaid]
[modules.mod_inbox]
${options}
${fixture('mod_play_rooms', 'mod-play-rooms.ts')}
${LAB}`;

const nameOf = ({ jid }: TestClient): string => jid.split('@')[0]!;

/** Three users who have not met, the second one on another shard than the others. */
class Scene {
  server!: TestServer;
  readonly backend: Backend;
  readonly #clients: TestClient[] = [];
  #next = 0;

  constructor(backend: Backend) {
    this.backend = backend;
  }

  async start(options: string): Promise<void> {
    this.server = await TestServer.start({
      shards: 2,
      users: USERS,
      toml: toml(`  backend = "${this.backend}"\n${options}`),
    });
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.cut();
    await this.server.stop();
  }

  async three(): Promise<[TestClient, TestClient, string]> {
    const one = await TestClient.login(this.server.port(), `u${this.#next++}@localhost/one`);
    const two = await loginOn(this.server, `u${this.#next++}@localhost/two`, 'other', one);
    this.#clients.push(one, two);
    return [one, two, `u${this.#next++}`];
  }

  async login(name: string): Promise<TestClient> {
    const client = await TestClient.login(this.server.port(), `${name}@localhost/late`);
    this.#clients.push(client);
    return client;
  }
}

function speak(client: TestClient, room: string, text: string, id = 'm'): void {
  client.send(`<message type='groupchat' to='${room}' id='${id}'><body>${text}</body></message>`);
}

/** What the room tells a user of himself. */
async function affiliation(
  client: TestClient,
  room: string,
  user: string,
  value: string,
  about = user,
): Promise<void> {
  const payload = `<affiliation xmlns='${ROOMS}' room='${room}' user='${user}' about='${about}' value='${value}'/>`;
  await client.iq('set', 'localhost', payload);
}

describe.each(BACKENDS)('an inbox with rooms of MUC Light (%s)', (backend) => {
  const scene = new Scene(backend);

  beforeAll(() => scene.start(''));

  afterAll(() => scene.stop());

  it('has what is said in a room, for all who belong to it; its author has read it', async () => {
    const [one, two, absent] = await scene.three();
    const room = `${nameOf(one)}.${nameOf(two)}.${absent}@light.localhost`;
    speak(one, room, 'first');
    speak(one, room, 'second');
    await one.nothingElse();
    expect(await bodies(one)).toEqual(['second 0']);
    expect(await bodies(two)).toEqual(['second 2']);
    const { shown } = await inboxOf(two);
    expect(shown[0]!.from).toBe(`${room}/${nameOf(one)}@localhost`);
    expect(await properties(two, room)).toMatchObject({ read: 'false', box: 'inbox' });
    const late = await scene.login(absent);
    expect(await bodies(late)).toEqual(['second 2']);
    // Who speaks has read.
    speak(two, room, 'third');
    await two.nothingElse();
    expect(await bodies(two)).toEqual(['third 0']);
    expect(await bodies(one)).toEqual(['third 1']);
  });

  it('has rooms beside users, by the time of their last messages', async () => {
    const [one, two] = await scene.three();
    const room = `${nameOf(one)}.${nameOf(two)}@light.localhost`;
    speak(one, room, 'in the room');
    await one.nothingElse();
    await say(one, two, 'between us');
    expect(await bodies(two)).toEqual(['between us 1', 'in the room 1']);
  });

  it('reads a room by a marker of its last message', async () => {
    const [one, two] = await scene.three();
    const room = `${nameOf(one)}.${nameOf(two)}@light.localhost`;
    speak(one, room, 'first', 'r1');
    speak(one, room, 'second', 'r2');
    await one.nothingElse();
    const mark = async (id: string, kind = 'displayed'): Promise<void> => {
      two.send(`<message type='groupchat' to='${room}'><${kind} xmlns='${MARKERS}' id='${id}'/></message>`);
      await two.nothingElse();
    };
    await mark('r1');
    await mark('r2', 'received');
    expect(await bodies(two)).toEqual(['second 2']);
    await mark('r2');
    expect(await bodies(two)).toEqual(['second 0']);
    // A marker is no message, for nobody in the room.
    expect(await bodies(one)).toEqual(['second 0']);
  });

  it('tells members and owners that they became it, and nobody of what becomes of others', async () => {
    const [one, two] = await scene.three();
    const room = `${nameOf(one)}.${nameOf(two)}@light.localhost`;
    await affiliation(one, room, nameOf(one), 'owner');
    await affiliation(one, room, nameOf(two), 'member');
    const { shown } = await inboxOf(one);
    expect(shown.map(({ from, unread }) => [from, unread])).toEqual([[room, 1]]);
    const user = shown[0]!.message.child('x', 'urn:xmpp:muclight:0#affiliations')!.child('user')!;
    expect([user.attribute('affiliation'), user.text()]).toEqual(['owner', `${nameOf(one)}@localhost`]);
    expect((await inboxOf(two)).shown.map(({ unread }) => unread)).toEqual([1]);
    await affiliation(one, room, nameOf(two), 'owner', nameOf(one));
    await affiliation(one, room, nameOf(two), 'none', nameOf(one));
    await one.iq('set', 'localhost', `<configuration xmlns='${ROOMS}' room='${room}'/>`);
    expect((await inboxOf(two)).shown.map(({ unread }) => unread)).toEqual([1]);
    expect((await inboxOf(one)).shown.map(({ unread }) => unread)).toEqual([1]);
  });

  it('loses the room when its user is removed, and when the room is destroyed', async () => {
    const [one, two] = await scene.three();
    const room = `${nameOf(one)}.${nameOf(two)}@light.localhost`;
    speak(one, room, 'hello');
    await one.nothingElse();
    await affiliation(one, room, nameOf(two), 'none');
    expect(await bodies(two)).toEqual([]);
    expect(await bodies(one)).toEqual(['hello 0']);
    await one.iq('set', 'localhost', `<destroy xmlns='${ROOMS}' room='${room}'/>`);
    expect(await bodies(one)).toEqual([]);
    // Whoever comes back begins anew.
    await affiliation(one, room, nameOf(two), 'member');
    expect((await inboxOf(two)).shown.map(({ unread }) => unread)).toEqual([1]);
  });

  it('has nothing of strangers who pretend to be a room, nor of classic rooms', async () => {
    const [one, two] = await scene.three();
    // To an account, of type groupchat, but from a user.
    one.send(`<message type='groupchat' to='${nameOf(two)}@localhost'><body>forged</body></message>`);
    const room = `${nameOf(one)}.${nameOf(two)}@classic.localhost`;
    speak(one, room, 'classic');
    expect((await two.message()).childText('body')).toBe('classic');
    await messagesUntilNow(one);
    expect(await bodies(two)).toEqual([]);
    expect(await bodies(one)).toEqual([]);
  });
});

describe('an inbox with other options for rooms', () => {
  it('does without what becomes of members, and keeps the room', async () => {
    const scene = new Scene('rdbms');
    await scene.start('  aff_changes = false\n  remove_on_kicked = false');
    try {
      const [one, two] = await scene.three();
      const room = `${nameOf(one)}.${nameOf(two)}@light.localhost`;
      await affiliation(one, room, nameOf(two), 'member');
      expect(await bodies(two)).toEqual([]);
      speak(one, room, 'hello');
      await one.nothingElse();
      await affiliation(one, room, nameOf(two), 'none');
      expect(await bodies(two)).toEqual(['hello 1']);
    } finally {
      await scene.stop();
    }
  });

  it('keeps the word that its user was removed, if it keeps the room', async () => {
    const scene = new Scene('rdbms');
    await scene.start('  remove_on_kicked = false');
    try {
      const [one, two] = await scene.three();
      const room = `${nameOf(one)}.${nameOf(two)}@light.localhost`;
      await affiliation(one, room, nameOf(two), 'none');
      const { shown } = await inboxOf(two);
      expect(shown.map(({ from, unread }) => [from, unread])).toEqual([[room, 1]]);
    } finally {
      await scene.stop();
    }
  });

  it('does without rooms at all', async () => {
    const scene = new Scene('rdbms');
    await scene.start('  groupchat = []');
    try {
      const [one, two] = await scene.three();
      speak(one, `${nameOf(one)}.${nameOf(two)}@light.localhost`, 'hello');
      speak(one, `${nameOf(one)}.${nameOf(two)}@classic.localhost`, 'hello');
      expect((await two.message()).childText('body')).toBe('hello');
      expect(await bodies(two)).toEqual([]);
      expect(await bodies(one)).toEqual([]);
    } finally {
      await scene.stop();
    }
  });
});

describe.each(BACKENDS)('an inbox with classic rooms (%s)', (backend) => {
  const scene = new Scene(backend);

  beforeAll(() => scene.start('  groupchat = ["muc"]'));

  afterAll(() => scene.stop());

  it('has what is said in a room, for all who belong to it, absent ones too, and for nobody else', async () => {
    const [one, two, absent] = await scene.three();
    const [visitor] = await scene.three();
    const room = `${nameOf(one)}.${nameOf(two)}.${absent}.-${nameOf(visitor)}@classic.localhost`;
    for (const text of ['first', 'second']) {
      speak(one, room, text);
      await visitor.message();
    }
    expect(await bodies(one)).toEqual(['second 0']);
    expect(await bodies(two)).toEqual(['second 2']);
    expect(await bodies(visitor)).toEqual([]);
    const { shown } = await inboxOf(two);
    expect([shown[0]!.from, shown[0]!.to]).toEqual([`${room}/${nameOf(one)}`, `${nameOf(two)}@localhost`]);
    const late = await scene.login(absent);
    expect(await bodies(late)).toEqual(['second 2']);
    // A subject, say.
    one.send(`<message type='groupchat' to='${room}'><subject>x</subject></message>`);
    await visitor.message();
    expect(await bodies(two)).toEqual(['second 2']);
  });

  it('is read by a marker sent to the room', async () => {
    const [one, two] = await scene.three();
    const room = `${nameOf(one)}.${nameOf(two)}@classic.localhost`;
    speak(one, room, 'mark me', 'c1');
    await two.message();
    two.send(`<message type='groupchat' to='${room}'><displayed xmlns='${MARKERS}' id='c1'/></message>`);
    await two.message();
    expect(await bodies(two)).toEqual(['mark me 0']);
  });

  it('has what one occupant says to another as a conversation of two', async () => {
    const [one, two] = await scene.three();
    const room = `${nameOf(one)}.${nameOf(two)}@classic.localhost`;
    one.send(`<message type='chat' to='${room}/${nameOf(two)}'><body>secret</body></message>`);
    expect((await two.message()).childText('body')).toBe('secret');
    expect(await bodies(one)).toEqual(['secret 0']);
    expect(await bodies(two)).toEqual(['secret 1']);
    expect((await inboxOf(two)).shown[0]!.from).toBe(`${room}/${nameOf(one)}`);
  });
});
