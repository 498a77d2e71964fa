import { describe, expect, it } from 'vitest';
import {
  inbound,
  outbound,
  type SubscriptionState,
  type SubscriptionType,
} from '../../src/xmpp/subscription.ts';

/**
 * RFC 6121 appendix A, table by table: all states × all stanzas, out and in. A line is: the state before; whether the stanza is routed (A.2) or
 * delivered (A.3); the state afterwards, `-` where it stays.
 */

const STATES: ReadonlyMap<string, SubscriptionState> = new Map(
  (
    [
      ['none', 'none', 'none'],
      ['none+out', 'none', 'out'],
      ['none+in', 'none', 'in'],
      ['none+out+in', 'none', 'both'],
      ['to', 'to', 'none'],
      ['to+in', 'to', 'in'],
      ['from', 'from', 'none'],
      ['from+out', 'from', 'out'],
      ['both', 'both', 'none'],
    ] as const
  ).flatMap(([name, subscription, ask]): [string, SubscriptionState][] => [
    [name, { subscription, ask, isApproved: false }],
    [`${name}, approved`, { subscription, ask, isApproved: true }],
  ]),
);

type Line = readonly [before: string, passed: 'yes' | 'no', after: string, reply?: string];
type Table = readonly [title: string, step: typeof inbound, type: SubscriptionType, lines: readonly Line[]];

const TABLES: readonly Table[] = [
  [
    'A.2.1, outbound',
    outbound,
    'subscribe',
    [
      ['none', 'yes', 'none+out'],
      ['none+out', 'yes', '-'],
      ['none+in', 'yes', 'none+out+in'],
      ['none+out+in', 'yes', '-'],
      ['to', 'yes', '-'],
      ['to+in', 'yes', '-'],
      ['from', 'yes', 'from+out'],
      ['from+out', 'yes', '-'],
      ['both', 'yes', '-'],
    ],
  ],
  [
    'A.2.2, outbound',
    outbound,
    'unsubscribe',
    [
      ['none', 'yes', '-'],
      ['none+out', 'yes', 'none'],
      ['none+in', 'yes', '-'],
      ['none+out+in', 'yes', 'none+in'],
      ['to', 'yes', 'none'],
      ['to+in', 'yes', 'none+in'],
      ['from', 'yes', '-'],
      ['from+out', 'yes', 'from'],
      ['both', 'yes', 'from'],
    ],
  ],
  [
    'A.2.3, outbound',
    outbound,
    'subscribed',
    [
      ['none', 'no', 'none, approved'],
      ['none+out', 'no', 'none+out, approved'],
      ['none+in', 'yes', 'from'],
      ['none+out+in', 'yes', 'from+out'],
      ['to', 'no', 'to, approved'],
      ['to+in', 'yes', 'both'],
      ['from', 'no', '-'],
      ['from+out', 'no', '-'],
      ['both', 'no', '-'],
    ],
  ],
  [
    'A.2.4, outbound',
    outbound,
    'unsubscribed',
    [
      ['none', 'no', '-'],
      ['none+out', 'no', '-'],
      ['none+in', 'yes', 'none'],
      ['none+out+in', 'yes', 'none+out'],
      ['to', 'no', '-'],
      ['to+in', 'yes', 'to'],
      ['from', 'yes', 'none'],
      ['from+out', 'yes', 'none+out'],
      ['both', 'yes', 'to'],
    ],
  ],
  [
    'A.3.1, inbound',
    inbound,
    'subscribe',
    [
      ['none', 'yes', 'none+in'],
      ['none+out', 'yes', 'none+out+in'],
      ['none+in', 'no', '-'],
      ['none+out+in', 'no', '-'],
      ['to', 'yes', 'to+in'],
      ['to+in', 'no', '-'],
      // §3.1.3: whoever is subscribed already is told so.
      ['from', 'no', '-', 'subscribed'],
      ['from+out', 'no', '-', 'subscribed'],
      ['both', 'no', '-', 'subscribed'],
    ],
  ],
  [
    'A.3.2, inbound',
    inbound,
    'unsubscribe',
    [
      ['none', 'no', '-'],
      ['none+out', 'no', '-'],
      ['none+in', 'yes', 'none', 'unsubscribed'],
      ['none+out+in', 'yes', 'none+out', 'unsubscribed'],
      ['to', 'no', '-'],
      ['to+in', 'yes', 'to', 'unsubscribed'],
      ['from', 'yes', 'none', 'unsubscribed'],
      ['from+out', 'yes', 'none+out', 'unsubscribed'],
      ['both', 'yes', 'to', 'unsubscribed'],
    ],
  ],
  [
    'A.3.3, inbound',
    inbound,
    'subscribed',
    [
      ['none', 'no', '-'],
      ['none+out', 'yes', 'to'],
      ['none+in', 'no', '-'],
      ['none+out+in', 'yes', 'to+in'],
      ['to', 'no', '-'],
      ['to+in', 'no', '-'],
      ['from', 'no', '-'],
      ['from+out', 'yes', 'both'],
      ['both', 'no', '-'],
    ],
  ],
  [
    'A.3.4, inbound',
    inbound,
    'unsubscribed',
    [
      ['none', 'no', '-'],
      ['none+out', 'yes', 'none'],
      ['none+in', 'no', '-'],
      ['none+out+in', 'yes', 'none+in'],
      ['to', 'yes', 'none'],
      ['to+in', 'yes', 'none+in'],
      ['from', 'no', '-'],
      ['from+out', 'yes', 'from'],
      ['both', 'yes', 'from'],
    ],
  ],
];

/** §3.4: what an approval in advance changes in these tables. */
const APPROVED: readonly Table[] = [
  [
    '§3.4.2, outbound',
    outbound,
    'subscribed',
    [
      ['none, approved', 'no', '-'],
      ['none+out, approved', 'no', '-'],
      ['to, approved', 'no', '-'],
    ],
  ],
  [
    '§3.4.2, outbound',
    outbound,
    'unsubscribed',
    [
      ['none, approved', 'no', 'none'],
      ['none+out, approved', 'no', 'none+out'],
      ['to, approved', 'no', 'to'],
    ],
  ],
  [
    '§3.4.2, inbound',
    inbound,
    'subscribe',
    [
      ['none, approved', 'no', 'from', 'subscribed'],
      ['none+out, approved', 'no', 'from+out', 'subscribed'],
      ['to, approved', 'no', 'both', 'subscribed'],
    ],
  ],
  [
    '§3.4.2, inbound',
    inbound,
    'subscribed',
    [
      ['none, approved', 'no', '-'],
      ['none+out, approved', 'yes', 'to, approved'],
      ['to, approved', 'no', '-'],
    ],
  ],
  [
    '§3.4.2, inbound',
    inbound,
    'unsubscribed',
    [
      ['none, approved', 'no', '-'],
      ['none+out, approved', 'yes', 'none, approved'],
      ['to, approved', 'yes', 'none, approved'],
    ],
  ],
];

describe.each([...TABLES, ...APPROVED])('%s', (_title, step, type, lines) => {
  it.each(lines)(`${type} in the state %s`, (before, passed, after, reply) => {
    const state = STATES.get(before!)!;
    const result = step(state, type);
    expect(result.isPassedOn).toBe(passed === 'yes');
    expect(result.state).toEqual(STATES.get(after === '-' ? before! : after!));
    expect(result.isChanged).toBe(after !== '-');
    expect(result.reply).toBe(reply);
  });
});

it('has a line for each state and stanza', () => {
  for (const [, , , lines] of TABLES) expect(new Set(lines.map(([before]) => before)).size).toBe(9);
});
