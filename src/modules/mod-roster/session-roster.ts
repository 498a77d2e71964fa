import type { StoredContact } from '../module.ts';

/** What sessions are told about a change: their client gets a push, and presence adapts (see mod_presence). Plain data. */
export interface RosterEvent {
  readonly jid: string;
  readonly subscription: StoredContact['subscription'] | 'remove';
  /** The roster's version after the change, and before it. */
  readonly version: number;
  readonly previous: number;
  /** When the change was known, in microseconds since the epoch. */
  readonly at: number;
  /** What clients call it; null without versioning. */
  readonly ver: string | null;
  /** Null when the contact was removed. */
  readonly contact: StoredContact | null;
}

/** A {@link SessionRoster} on its way to another shard. */
export type SessionRosterData = readonly [
  version: number | null,
  isBroken: boolean,
  held: readonly RosterEvent[],
];

/** Changes that wait for an earlier one, in one session. */
const HELD_MAX = 1_000;

/**
 * What one session's client knows of its roster. Changes come from several shards and may overtake one another: each names the version before it, so those
 * that come too early are held back.
 */
export class SessionRoster {
  /** What the client has; undefined while it has not got any roster. */
  version: number | undefined = undefined;
  /** Rosters under way to the client: changes wait behind them. */
  gets = 0;
  /** A change never came: what the client has is no version that there ever was. */
  isBroken = false;
  held: RosterEvent[] | undefined = undefined;
  cancelPatience: (() => void) | undefined = undefined;

  /** For a session that moves to another shard, which it does only while no roster is under way to its client. */
  toData(): SessionRosterData | undefined {
    const { version, isBroken, held } = this;
    return version === undefined && held === undefined ? undefined : [version ?? null, isBroken, held ?? []];
  }

  /** Of what {@link toData} made. */
  static fromData([version, isBroken, held]: SessionRosterData): SessionRoster {
    const roster = new SessionRoster();
    roster.version = version ?? undefined;
    roster.isBroken = isBroken;
    roster.held = held.length === 0 ? undefined : [...held];
    return roster;
  }

  hold(event: RosterEvent): void {
    this.held ??= [];
    if (this.held.length < HELD_MAX) this.held.push(event);
    else this.isBroken = true;
  }

  /** The next change that the client may be told of. */
  next(): RosterEvent | undefined {
    const { held } = this;
    if (held === undefined || this.gets > 0) return undefined;
    const { version } = this;
    this.held = version === undefined ? held : held.filter((event) => event.version > version);
    const index = version === undefined ? 0 : this.held.findIndex(({ previous }) => previous === version);
    const found = index < 0 ? undefined : this.held.splice(index, 1)[0];
    if (this.held.length === 0) this.held = undefined;
    return found;
  }

  /** The oldest change that waits, whatever is missing before it. */
  oldest(): RosterEvent | undefined {
    const { held } = this;
    if (held === undefined) return undefined;
    held.sort((a, b) => a.version - b.version);
    const first = held.shift();
    if (held.length === 0) this.held = undefined;
    return first;
  }
}
