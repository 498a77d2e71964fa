import type { Point } from '../point.ts';
import { adhocPoints } from './adhoc.ts';
import { ampPoints } from './amp.ts';
import { c2sPoints } from './c2s.ts';
import { discoPoints } from './disco.ts';
import { federationPoints } from './federation.ts';
import { inboxPoints } from './inbox.ts';
import { mamPoints } from './mam.ts';
import { mamMucPoints } from './mam-muc.ts';
import { nodePoints } from './node.ts';
import { presencePoints } from './presence.ts';
import { privacyPoints } from './privacy.ts';
import { retiredPoints } from './retired.ts';
import { roomPoints } from './rooms.ts';
import { rosterPoints } from './roster.ts';
import { routingPoints } from './routing.ts';
import { sasl2Points } from './sasl2.ts';
import { sessionPoints } from './session.ts';
import { streamPoints } from './stream.ts';
import { terminationPoints } from './termination.ts';
import { userPoints } from './users.ts';

/** Hook points of one subject, as `docs/hooks.md` shows them: in the order of a stanza's way, then by feature. */
export interface PointGroup {
  readonly title: string;
  /** The file in this folder that declares them, and with them the types of their parameters. */
  readonly file: string;
  readonly points: Readonly<Record<string, Point<unknown, unknown>>>;
}

export const POINT_GROUPS: readonly PointGroup[] = [
  { title: 'Stanzas of a client', file: 'c2s.ts', points: c2sPoints },
  { title: 'Routing and components', file: 'routing.ts', points: routingPoints },
  { title: 'Session manager', file: 'session.ts', points: sessionPoints },
  { title: 'Opening a stream', file: 'stream.ts', points: streamPoints },
  { title: 'End of a session', file: 'termination.ts', points: terminationPoints },
  { title: 'Presence', file: 'presence.ts', points: presencePoints },
  { title: 'Rosters', file: 'roster.ts', points: rosterPoints },
  { title: 'Privacy lists', file: 'privacy.ts', points: privacyPoints },
  { title: 'Service discovery', file: 'disco.ts', points: discoPoints },
  { title: 'Users', file: 'users.ts', points: userPoints },
  { title: 'Nodes and domains', file: 'node.ts', points: nodePoints },
  { title: 'SASL2 and Bind 2', file: 'sasl2.ts', points: sasl2Points },
  { title: 'Ad-hoc commands', file: 'adhoc.ts', points: adhocPoints },
  { title: 'Advanced message processing', file: 'amp.ts', points: ampPoints },
  { title: 'Message archives', file: 'mam.ts', points: mamPoints },
  { title: 'Inbox and notifications', file: 'inbox.ts', points: inboxPoints },
  { title: 'Rooms', file: 'rooms.ts', points: roomPoints },
  { title: 'Archives of rooms', file: 'mam-muc.ts', points: mamMucPoints },
  { title: 'Other servers', file: 'federation.ts', points: federationPoints },
  { title: 'Retired names', file: 'retired.ts', points: retiredPoints },
];
