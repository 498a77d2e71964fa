import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { LAB, loginOn, messagesUntilNow } from './support.ts';

/**
 * mod_carboncopy against a model: whatever the devices of two accounts are up to, a message comes to those that RFC 6121 §8.5 names, and a copy to those of the others
 * that want one, once.
 */

const NEW = 'urn:xmpp:carbons:2';
const OLD = 'urn:xmpp:carbons:1';
const DEVICES = 3;
const RUNS = 200;

/** What a device is up to. `away`: it was available with carbons, and is not any more. */
type State =
  | { readonly kind: 'away' }
  | { readonly kind: 'there'; readonly priority: number; readonly carbons: 'none' | 'new' | 'old' };

interface Account {
  readonly name: string;
  readonly devices: readonly TestClient[];
}

/** What messages consist of, and whether that makes them part of a conversation (XEP-0280 §6.1) if their type is `normal`. */
const CONTENTS = {
  body: ['<body>Hi</body>', true],
  receipt: ["<received xmlns='urn:xmpp:receipts' id='x'/>", true],
  state: ["<composing xmlns='http://jabber.org/protocol/chatstates'/>", true],
  marker: ["<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>", true],
  other: ["<x xmlns='urn:example:other'/>", false],
} as const;

/** What its sender adds to keep a message from being copied. */
const HINTS = {
  none: '',
  private: `<private xmlns='${NEW}'/>`,
  'no-copy': "<no-copy xmlns='urn:xmpp:hints'/>",
  'private of others': "<private xmlns='urn:example:other'/>",
} as const;

interface Message {
  readonly type: 'chat' | 'normal' | 'groupchat' | 'headline' | undefined;
  readonly content: keyof typeof CONTENTS;
  readonly hint: keyof typeof HINTS;
}

interface Situation {
  readonly mine: readonly State[];
  readonly theirs: readonly State[];
  readonly message: Message;
  /** Which device sends. */
  readonly sender: number;
  /** To the own account, or to the other one. */
  readonly isOwn: boolean;
  /** To the bare JID, one of the devices, or a resource that there is not. */
  readonly to: number | 'bare' | 'nowhere';
}

const state: fc.Arbitrary<State> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<State>({ kind: 'away' }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('there' as const),
      priority: fc.constantFrom(-1, 0, 0, 1),
      carbons: fc.constantFrom('none' as const, 'new' as const, 'new' as const, 'old' as const),
    }),
  },
);

const states = fc.array(state, { minLength: DEVICES, maxLength: DEVICES });

const situation: fc.Arbitrary<Situation> = fc.record({
  mine: states,
  theirs: states,
  message: fc.record({
    type: fc.constantFrom('chat', 'chat', 'normal', 'groupchat', 'headline', undefined),
    content: fc.constantFrom(...(Object.keys(CONTENTS) as (keyof typeof CONTENTS)[])),
    hint: fc.constantFrom('none', 'none', 'none', ...(Object.keys(HINTS) as (keyof typeof HINTS)[])),
  }),
  sender: fc.nat(DEVICES - 1),
  isOwn: fc.boolean(),
  to: fc.oneof(fc.nat(DEVICES - 1), fc.constantFrom('bare' as const, 'bare' as const, 'nowhere' as const)),
});

/** A chat to a resource that is gone, which comes to two devices. */
const TO_NOBODY: Situation = {
  mine: [{ kind: 'away' }, { kind: 'away' }, { kind: 'away' }],
  theirs: [
    { kind: 'there', priority: 1, carbons: 'new' },
    { kind: 'there', priority: 1, carbons: 'new' },
    { kind: 'there', priority: 0, carbons: 'new' },
  ],
  message: { type: 'chat', content: 'body', hint: 'none' },
  sender: 0,
  isOwn: false,
  to: 'nowhere',
};

// ── the model ────────────────────────────────────────────────────────────────────────────────────────────────────

function isCopied({ type, content, hint }: Message): boolean {
  if (hint === 'private' || hint === 'no-copy' || type === 'groupchat') return false;
  // Of a headline, what belongs to a conversation: receipts, states and markers, not its body.
  if (type === 'headline') return CONTENTS[content][1] && content !== 'body';
  return type === 'chat' || CONTENTS[content][1];
}

/** Which devices get the message itself. */
function recipients({ message, to }: Situation, devices: readonly State[]): number[] {
  // RFC 6121 §8.5.3.1: a connected resource, available or not.
  if (typeof to === 'number') return [to];
  const isAnywhere = to === 'bare' || message.type === 'chat';
  if (!isAnywhere || message.type === 'groupchat') return [];
  const willing = devices.flatMap((device, i) =>
    device.kind === 'there' && device.priority >= 0 ? [{ i, priority: device.priority }] : [],
  );
  if (message.type === 'headline') return willing.map(({ i }) => i);
  const highest = Math.max(...willing.map(({ priority }) => priority));
  return willing.filter(({ priority }) => priority === highest).map(({ i }) => i);
}

/** What each device of both accounts is to hear, apart from errors. */
function expected(all: Situation): { mine: string[][]; theirs: string[][] } {
  const mine: string[][] = all.mine.map(() => []);
  const theirs: string[][] = all.theirs.map(() => []);
  const [toStates, toHeard] = all.isOwn ? [all.mine, mine] : [all.theirs, theirs];
  const direct = recipients(all, toStates);
  for (const i of direct) toHeard[i]!.push('itself');
  if (!isCopied(all.message)) return { mine, theirs };
  const copy = (device: State | undefined, heard: string[], direction: string): void => {
    if (device?.kind === 'there' && device.carbons !== 'none') heard.push(`${direction} ${device.carbons}`);
  };
  // To oneself there is one copy, as of a message that came.
  if (!all.isOwn) {
    for (const [i, heard] of mine.entries()) if (i !== all.sender) copy(all.mine[i], heard, 'sent');
  }
  if (direct.length > 0) {
    for (const [i, heard] of toHeard.entries()) {
      const isSender = all.isOwn && i === all.sender;
      if (!direct.includes(i) && !isSender) copy(toStates[i], heard, 'received');
    }
  }
  return { mine, theirs };
}

// ── the server ───────────────────────────────────────────────────────────────────────────────────────────────────

let server: TestServer;
let romeo: Account;
let juliet: Account;
let sent = 0;
let ends = 0;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet'],
    toml: `[modules.mod_presence]\n[modules.mod_carboncopy]\n${LAB}`,
  });
  const first = await TestClient.login(server.port(), 'romeo@localhost/0');
  const others = async (name: string, from: number): Promise<TestClient[]> => {
    const found: TestClient[] = [];
    for (let i = from; i < DEVICES; i++)
      found.push(await loginOn(server, `${name}@localhost/${i}`, i % 2 === 0 ? 'same' : 'other', first));
    return found;
  };
  romeo = { name: 'romeo', devices: [first, ...(await others('romeo', 1))] };
  juliet = { name: 'juliet', devices: await others('juliet', 0) };
});

afterAll(() => server.stop());

async function becomes(device: TestClient, state: State): Promise<void> {
  const turn = (verb: 'enable' | 'disable', ns: string) =>
    device.iq('set', undefined, `<${verb} xmlns='${ns}'/>`);
  if (state.kind === 'away') {
    device.send('<presence/>');
    await turn('enable', NEW);
    device.send("<presence type='unavailable'/>");
  } else {
    device.send(`<presence><priority>${state.priority}</priority></presence>`);
    if (state.carbons === 'none') await turn('disable', NEW);
    else await turn('enable', state.carbons === 'new' ? NEW : OLD);
  }
  // Its answer comes when all of that is done.
  await messagesUntilNow(device);
}

/** What a device has heard until a message comes that each of `from` sends it now, after everything that is on its way from there. */
async function heard(device: TestClient, from: readonly TestClient[]): Promise<Element[]> {
  const messages: Element[] = [];
  for (const one of from) {
    const id = `end${++ends}`;
    one.send(`<message to='${device.jid}' type='headline' id='${id}'/>`);
    for (;;) {
      const message = await device.message();
      if (message.attribute('id') === id) break;
      messages.push(message);
    }
  }
  return messages;
}

/** How a device got the message; undefined for errors, and for copies of them. */
function described(message: Element, id: string): string | undefined {
  if (message.attribute('type') === 'error') return undefined;
  for (const [ns, name] of [
    [NEW, 'new'],
    [OLD, 'old'],
  ] as const) {
    for (const direction of ['sent', 'received']) {
      const wrapper = message.child(direction, ns);
      if (wrapper === undefined) continue;
      const forwarded = (name === 'new' ? wrapper : message).child('forwarded', 'urn:xmpp:forward:0')!;
      const [original] = forwarded.elements();
      if (original!.attribute('type') === 'error') return undefined;
      expect(original!.attribute('id')).toBe(id);
      return `${direction} ${name}`;
    }
  }
  expect(message.attribute('id')).toBe(id);
  return 'itself';
}

async function observe({
  message,
  sender,
  isOwn,
  to,
}: Situation): Promise<{ mine: string[][]; theirs: string[][] }> {
  const { name, devices } = isOwn ? romeo : juliet;
  const address = to === 'bare' ? `${name}@localhost` : `${name}@localhost/${to}`;
  const type = message.type === undefined ? '' : `type='${message.type}'`;
  const content = `${CONTENTS[message.content][0]}${HINTS[message.hint]}`;
  const from = romeo.devices[sender]!;
  const id = `m${++sent}`;
  from.send(`<message to='${address}' ${type} id='${id}'>${content}</message>`);
  const all = [...romeo.devices, ...juliet.devices];
  const got = new Map<TestClient, (string | undefined)[]>(all.map((device) => [device, []]));
  const note = async (device: TestClient, senders: readonly TestClient[]): Promise<void> => {
    const messages = await heard(device, senders);
    got.get(device)!.push(...messages.map((one) => described(one, id)));
  };
  // First what the sender's shard sent; whoever has that has made the copies, which come before what it sends afterwards.
  for (const device of all) await note(device, [from]);
  for (const device of devices) await note(device, devices);
  const lists = (account: Account): string[][] =>
    account.devices.map((device) => got.get(device)!.filter((one) => one !== undefined));
  return { mine: lists(romeo), theirs: lists(juliet) };
}

it('a message and its copies come to whom the model says, once', async () => {
  await fc.assert(
    fc.asyncProperty(situation, async (all) => {
      for (const [i, device] of romeo.devices.entries()) await becomes(device, all.mine[i]!);
      for (const [i, device] of juliet.devices.entries()) await becomes(device, all.theirs[i]!);
      expect(await observe(all)).toEqual(expected(all));
    }),
    { numRuns: RUNS, examples: [[TO_NOBODY]] },
  );
});
