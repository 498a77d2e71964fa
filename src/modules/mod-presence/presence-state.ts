import { type Jid, Stanza } from '../module.ts';

/** More receivers of directed presence than this are not remembered, and so not told when the session ends. */
const DIRECTED_MAX = 5_000;

const NOBODY: ReadonlyMap<string, Jid> = new Map();

/** A {@link PresenceState} as plain data; addresses as text. */
export interface PresenceData {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly directed: readonly string[];
  readonly heard: readonly string[];
  readonly last: string | null;
  readonly timestamp: number;
  readonly priority: number | null;
}

/** What a session remembers of its presence. Kept small: every online user has one. */
export class PresenceState {
  /** Contacts that see our presence, and those whose presence we see, by bare JID. */
  #from: ReadonlyMap<string, Jid> = NOBODY;
  #to: ReadonlyMap<string, Jid> = NOBODY;
  /** Others who were sent available presence: they are told when it ends (RFC 6121 §4.6.3), and of nothing else. */
  #directed: Map<string, Jid> | undefined = undefined;
  /** Full JIDs of other shards that sent directed presence to us; see `lost-sessions.ts`. */
  #heard: Set<string> | undefined = undefined;
  /** The last available presence, in one character a byte; undefined while unavailable. */
  #last: string | undefined = undefined;
  timestamp = 0;
  priority: number | undefined = undefined;

  /** For a session that moves to another shard. */
  toData(): PresenceData {
    return {
      from: [...this.#from.keys()],
      to: [...this.#to.keys()],
      directed: [...(this.#directed?.keys() ?? [])],
      heard: [...this.heardFrom()],
      last: this.#last ?? null,
      timestamp: this.timestamp,
      priority: this.priority ?? null,
    };
  }

  /** Of what {@link toData} made, less whom it had heard from: that is kept in books beside it. */
  static fromData(data: PresenceData, jid: (full: string) => Jid): PresenceState {
    const state = new PresenceState();
    state.#from = byBareJid(data.from.map(jid));
    state.#to = byBareJid(data.to.map(jid));
    if (data.directed.length > 0) state.#directed = new Map(data.directed.map((full) => [full, jid(full)]));
    state.#last = data.last ?? undefined;
    state.timestamp = data.timestamp;
    state.priority = data.priority ?? undefined;
    return state;
  }

  get isAvailable(): boolean {
    return this.#last !== undefined;
  }

  becomeAvailable(
    stanza: Stanza,
    timestamp: number,
    priority: number,
    from: readonly Jid[],
    to: readonly Jid[],
  ): void {
    this.#last = stanza.toText();
    this.timestamp = timestamp;
    this.priority = priority;
    this.#from = byBareJid(from);
    this.#to = byBareJid(to);
  }

  /** Not available any more. Whoever is to be told has been looked up before. */
  becomeUnavailable(): void {
    this.#last = undefined;
    this.priority = undefined;
    this.#directed = undefined;
  }

  /** The last available presence. */
  last(): Stanza {
    return Stanza.fromText(this.#last!);
  }

  /** Contacts that see our presence; while we are unavailable there is none for them to see. The list is the caller's. */
  contacts(): Jid[] {
    return this.isAvailable ? [...this.#from.values()] : [];
  }

  isSeenBy(bare: string): boolean {
    return this.#from.has(bare);
  }

  sees(bare: string): boolean {
    return this.#to.has(bare);
  }

  /** Available presence was sent to somebody in particular. */
  directedTo(jid: Jid): void {
    this.#directed ??= new Map();
    if (this.#directed.size < DIRECTED_MAX) this.#directed.set(jid.full, jid);
  }

  /** Unavailable presence was sent to somebody in particular, or came from there. */
  forget(jid: Jid): void {
    this.#directed?.delete(jid.full);
  }

  wasDirectedTo(jid: Jid): boolean {
    return this.#directed !== undefined && (this.#directed.has(jid.full) || this.#directed.has(jid.bare));
  }

  /** Whoever was sent directed presence, other than contacts that hear of us anyway. The list is the caller's. */
  directedJids(): Jid[] {
    if (this.#directed === undefined) return [];
    return [...this.#directed.values()].filter((jid) => !this.isAvailable || !this.#from.has(jid.bare));
  }

  contactChanged(contact: Jid, seesUs: boolean, isSeen: boolean): void {
    this.#from = withOrWithout(this.#from, contact, seesUs);
    this.#to = withOrWithout(this.#to, contact, isSeen);
  }

  /** Directed presence came from a session of another shard. False when there are too many to remember. */
  heard(sender: string, most: number): boolean {
    this.#heard ??= new Set();
    if (this.#heard.size >= most) return this.#heard.has(sender);
    this.#heard.add(sender);
    return true;
  }

  unheard(sender: string): boolean {
    return this.#heard?.delete(sender) ?? false;
  }

  heardFrom(): Iterable<string> {
    return this.#heard ?? [];
  }
}

function byBareJid(jids: readonly Jid[]): ReadonlyMap<string, Jid> {
  return jids.length === 0 ? NOBODY : new Map(jids.map((jid) => [jid.bare, jid.bareJid]));
}

function withOrWithout(map: ReadonlyMap<string, Jid>, contact: Jid, isIn: boolean): ReadonlyMap<string, Jid> {
  if (map.has(contact.bare) === isIn) return map;
  const changed = new Map(map);
  if (isIn) changed.set(contact.bare, contact.bareJid);
  else changed.delete(contact.bare);
  return changed;
}
