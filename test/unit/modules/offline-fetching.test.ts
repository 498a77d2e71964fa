import { beforeEach, describe, expect, it } from 'vitest';
import { Accumulator, Origin } from '../../../src/hooks/accumulator.ts';
import { Fetching } from '../../../src/modules/mod-offline/fetching.ts';
import type { OfflineOptions } from '../../../src/modules/mod-offline/mod-offline.ts';
import type { Pickup } from '../../../src/modules/mod-offline/pickup.ts';
import {
  type C2sParams,
  type Claimant,
  type ClaimedMessages,
  Damage,
  type ModuleContext,
  parseElementText,
  parseJid,
  type SessionRef,
  Stanza,
} from '../../../src/modules/module.ts';

/** When live messages wait for stored ones, and when they do not. */

const JULIET = parseJid('juliet@localhost/balcony')!;
const PRESENCE = Stanza.of(parseElementText('<presence/>'));
const OTHER: SessionRef = { shard: 1, number: 7, time: 70, priority: 0 };
const HELD = { heldBy: [OTHER.shard, OTHER.number, OTHER.time] as Claimant };

function stored(count: number, areAll: boolean): ClaimedMessages {
  const messages = Array.from({ length: count }, (_unused, i) => ({
    id: i + 1,
    timestamp: i,
    from: 'romeo@localhost/orchard',
    to: 'juliet@localhost',
    packet: Buffer.from("<message type='chat'><body>!</body></message>"),
    keys: [],
  }));
  return { messages, areAll };
}

describe('fetching what is stored', () => {
  let others: SessionRef[];
  let claims: (ClaimedMessages | typeof HELD)[];
  let left: number;
  let asked: string[];
  /** The messages of each confirmation. */
  let confirmed: unknown[];
  let unacknowledged: number;
  /** How many reasons there are for live messages to wait. */
  let holds: number;
  let timers: (() => void)[];
  let whenDelivered: ((isDelivered: boolean) => void)[];
  let session: C2sParams;
  let fetching: Fetching;

  beforeEach(() => {
    others = [];
    claims = [];
    left = 0;
    asked = [];
    confirmed = [];
    unacknowledged = 0;
    holds = 0;
    timers = [];
    whenDelivered = [];
    let state: unknown;
    session = {
      jid: JULIET,
      sid: { shard: 0, number: 1, time: 100 },
      moduleState: () => state,
      setModuleState: (_slot: number, next: unknown) => {
        state = next;
      },
    } as unknown as C2sParams;
    const handle = {
      params: session,
      room: Number.POSITIVE_INFINITY,
      afterDelivery: (callback: (isDelivered: boolean) => void) => whenDelivered.push(callback),
      get unacknowledgedStored() {
        return unacknowledged;
      },
      afterEachStored(callback: (isDelivered: boolean) => void) {
        for (let i = 0; i < unacknowledged; i++) whenDelivered.push(callback);
      },
      holdReceiving: (until: Promise<unknown>) => {
        holds++;
        void until.then(() => holds--);
      },
    };
    const context = {
      slot: 0,
      session: () => handle,
      handle: () => handle,
      sessions: () => others,
      store: {
        request: async (operation: string) => {
          asked.push(operation);
          return operation === 'offline_claim' ? claims.shift() : left;
        },
        write: async (operation: string, args: readonly unknown[]) => {
          asked.push(operation);
          if (operation === 'offline_confirm') confirmed.push(args[3]);
          return left;
        },
      },
      timestamp: () => 0,
      trustedJid: (text: string) => parseJid(text)!,
      decodeKeys: () => new Map(),
      count() {},
      after: (_ms: number, callback: () => void) => {
        timers.push(callback);
        return () => timers.splice(timers.indexOf(callback), 1);
      },
      // It is a session of this shard: told at once.
      sendEvent: () => fetching.newMessages(acc(), session),
      resendOffline: (_session: C2sParams, cause: Accumulator) => resend(cause),
    } as unknown as ModuleContext<OfflineOptions>;
    fetching = new Fetching(context, new Damage(context, 'offline_message_damaged'));
  });

  const acc = () => new Accumulator(1, 0, Origin.C2S, undefined, 'localhost', PRESENCE, JULIET, JULIET);

  /** As a shard does it: runs the hook, routes what was found, and says so. */
  function resend(cause: Accumulator): Promise<void> {
    holds++;
    return Promise.resolve(fetching.fetch(cause, JULIET)).then(() => {
      for (const { routed } of cause.get<{ routed?: () => void }[]>('offline', 'messages') ?? []) routed?.();
      holds--;
    });
  }

  /** What of the batch is not decided yet: so many messages, or all. */
  function tell(isDelivered: boolean, count = whenDelivered.length): void {
    for (const callback of whenDelivered.splice(0, count)) callback(isDelivered);
  }

  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('lets live messages follow at once when nothing else is stored', async () => {
    claims = [stored(3, true)];
    await resend(acc());
    expect(whenDelivered).toHaveLength(3);
    expect(holds).toBe(0);
    tell(true);
    await settled();
    expect(asked).toEqual(['offline_claim', 'offline_confirm']);
  });

  it('keeps them waiting until the last batch is on its way', async () => {
    claims = [stored(3, false), stored(2, true)];
    await resend(acc());
    expect(holds).toBe(1);
    left = 2;
    tell(true);
    await settled();
    expect(asked).toEqual(['offline_claim', 'offline_confirm', 'offline_claim']);
    expect(holds).toBe(0);
  });

  it('does not wait for what a session has that is there', async () => {
    others = [OTHER];
    claims = [HELD];
    await resend(acc());
    expect(holds).toBe(0);
    expect(timers).toEqual([]);
  });

  it('waits for what a session had that has ended, until its shard has given it back', async () => {
    // Another one in its place is another one.
    others = [{ ...OTHER, time: 71 }];
    claims = [HELD, stored(2, true)];
    await resend(acc());
    expect(holds).toBe(1);
    fetching.newMessages(acc(), session);
    await settled();
    expect(asked).toEqual(['offline_claim', 'offline_claim']);
    expect(whenDelivered).toHaveLength(2);
    expect(holds).toBe(0);
    expect(timers).toEqual([]);
  });

  it('asks again when it was told before it heard that they were held', async () => {
    claims = [HELD, stored(2, true)];
    const first = resend(acc());
    fetching.newMessages(acc(), session);
    await first;
    await settled();
    expect(asked).toEqual(['offline_claim', 'offline_claim']);
    expect(whenDelivered).toHaveLength(2);
    expect(holds).toBe(0);
  });

  it('does not wait for ever', async () => {
    claims = [HELD];
    await resend(acc());
    expect(holds).toBe(1);
    expect(timers).toHaveLength(2);
    timers[0]!();
    await settled();
    expect(holds).toBe(0);
  });

  it('asks again by and by when nobody tells it that they were given back', async () => {
    claims = [HELD, HELD, stored(2, true)];
    await resend(acc());
    timers.pop()!();
    await settled();
    expect(asked).toEqual(['offline_claim', 'offline_claim']);
    expect(holds).toBe(1);
    timers.pop()!();
    await settled();
    expect(asked).toHaveLength(3);
    expect(whenDelivered).toHaveLength(2);
    expect(holds).toBe(0);
    expect(timers).toEqual([]);
  });

  it('waits for what was stored meanwhile', async () => {
    claims = [stored(1, true), stored(1, true)];
    const first = resend(acc());
    fetching.newMessages(acc(), session);
    await first;
    expect(holds).toBe(1);
    left = 1;
    tell(true);
    await settled();
    expect(asked).toEqual(['offline_claim', 'offline_confirm', 'offline_claim']);
    expect(holds).toBe(0);
  });

  it('of a session that has ended goes on counting what is on its way, and gives back the rest', async () => {
    claims = [stored(3, false)];
    await resend(acc());
    fetching.ended(session);
    expect(asked).toEqual(['offline_claim']);
    left = 2;
    tell(true);
    await settled();
    expect(asked).toEqual(['offline_claim', 'offline_confirm', 'offline_release']);
    expect(holds).toBe(0);
  });

  it('gives back at once what can not be delivered any more', async () => {
    claims = [stored(3, true)];
    await resend(acc());
    fetching.ended(session);
    tell(false);
    await settled();
    expect(asked).toEqual(['offline_claim', 'offline_release']);
  });

  it('does not give back what the client of a session that has ended had acknowledged before', async () => {
    claims = [stored(3, true)];
    await resend(acc());
    tell(true, 2);
    expect(asked).toEqual(['offline_claim']);
    fetching.ended(session);
    tell(false);
    await settled();
    expect(asked).toEqual(['offline_claim', 'offline_confirm', 'offline_release']);
    expect(confirmed).toEqual([[1, 2]]);
  });

  it('counts on where it was when the session has moved to another shard', async () => {
    claims = [stored(5, true)];
    await resend(acc());
    tell(true, 1);
    unacknowledged = 4;
    const moved = fetching.moved(fetching.encode(session.moduleState(0) as Pickup)!, session);
    whenDelivered = [];
    // What its client has said when it came back.
    unacknowledged = 3;
    fetching.arrived(moved, session);
    tell(true, 1);
    tell(false);
    await settled();
    expect(confirmed).toEqual([[1, 2, 3]]);
  });

  it('does not count what it cannot count on another shard: a handler has kept a message from the client', async () => {
    claims = [stored(5, true)];
    await resend(acc());
    tell(true, 1);
    unacknowledged = 3;
    const moved = fetching.moved(fetching.encode(session.moduleState(0) as Pickup)!, session);
    whenDelivered = [];
    unacknowledged = 1;
    fetching.arrived(moved, session);
    tell(false);
    await settled();
    expect(confirmed).toEqual([[1]]);
  });

  it('gives back what a session had not been given when it ended', async () => {
    claims = [stored(3, true)];
    const first = resend(acc());
    fetching.ended(session);
    await first;
    expect(whenDelivered).toEqual([]);
    expect(asked).toEqual(['offline_claim', 'offline_release']);
  });
});
