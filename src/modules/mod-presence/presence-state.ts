import {
  type C2sParams,
  delayXml,
  type Jid,
  type ModuleContext,
  Stanza,
  StanzaKind,
  type SubscriptionLists,
} from '../module.ts';
import { Contacts } from './contacts.ts';

/** More receivers of directed presence than this are not remembered, and so not told when the session ends. */
const DIRECTED_MAX = 5_000;

/** A {@link PresenceState} as plain data; addresses as text. */
export interface PresenceData {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly version: number | null;
  readonly directed: readonly string[];
  readonly heard: readonly string[];
  readonly last: string | null;
  readonly timestamp: number;
  readonly priority: number | null;
}

/** What a session is about to say, behind something whose receivers are still being looked up. */
export interface Waiting {
  /** Settles when all of it is said; never rejects. */
  last: Promise<unknown>;
  count: number;
}

/** What a session remembers of its presence. Kept small: every online user has one. */
export class PresenceState {
  contacts = Contacts.NONE;
  /** The version of the roster that `contacts` are of; undefined where the rosters have none. */
  version: number | undefined = undefined;
  /** While the lists are being asked for: the newest version of which an event has come. */
  heardOf: number | undefined = undefined;
  isLoading = false;
  /** Others who were sent available presence: they are told when it ends (RFC 6121 §4.6.3), and of nothing else. */
  #directed: Map<string, Jid> | undefined = undefined;
  /** Full JIDs that sent directed presence to us; see `lost-sessions.ts`. */
  #heard: Set<string> | undefined = undefined;
  /** The last available presence, in one character a byte; undefined while unavailable. Once somebody has probed it, with the time that it is from. */
  #last: string | undefined = undefined;
  /** Where that time begins in it, and how long it is; 0 while it is not there. */
  #delayAt = 0;
  #delayLength = 0;
  #timestamp = 0;
  priority: number | undefined = undefined;
  /** What the session is about to say; undefined while nothing waits, which is nearly always. See `telling.ts`. */
  waiting: Waiting | undefined = undefined;

  /** For a session that moves to another shard. */
  toData(): PresenceData {
    return {
      from: this.contacts.from().map(({ bare }) => bare),
      to: this.contacts.to().map(({ bare }) => bare),
      version: this.version ?? null,
      directed: [...(this.#directed?.keys() ?? [])],
      heard: [...this.heardFrom()],
      last: this.isAvailable ? this.last().toText() : null,
      timestamp: this.#timestamp,
      priority: this.priority ?? null,
    };
  }

  /** Of what {@link toData} made, less whom it had heard from: that is kept in books beside it. */
  static fromData(data: PresenceData, jid: (full: string) => Jid): PresenceState {
    const state = new PresenceState();
    state.contacts = Contacts.of(data.from.map(jid), data.to.map(jid));
    state.version = data.version ?? undefined;
    if (data.directed.length > 0) state.#directed = new Map(data.directed.map((full) => [full, jid(full)]));
    state.#last = data.last ?? undefined;
    state.#timestamp = data.timestamp;
    state.priority = data.priority ?? undefined;
    return state;
  }

  get isAvailable(): boolean {
    return this.#last !== undefined;
  }

  becomeAvailable(stanza: Stanza, timestamp: number, priority: number): void {
    this.#last = stanza.toText();
    this.#delayLength = 0;
    this.#timestamp = timestamp;
    this.priority = priority;
  }

  /** Not available any more. Whoever is to be told has been looked up before. */
  becomeUnavailable(): void {
    this.#last = undefined;
    this.priority = undefined;
    this.#directed = undefined;
    this.contacts = Contacts.NONE;
    this.version = undefined;
  }

  /** When it said its last presence, in microseconds since the epoch. */
  get timestamp(): number {
    return this.#timestamp;
  }

  adopt({ from, to, version }: SubscriptionLists): void {
    this.contacts = Contacts.of(from, to);
    this.version = version;
  }

  /** The last available presence. */
  last(): Stanza {
    const text = this.#last!;
    const last =
      this.#delayLength === 0
        ? text
        : text.slice(0, this.#delayAt) + text.slice(this.#delayAt + this.#delayLength);
    return Stanza.fromText(StanzaKind.PRESENCE, undefined, last);
  }

  /** The last available presence of `own`, with the time that it is from. Most of what is said at a login are these: the text is made once. */
  lastWithTime(own: Jid): Stanza {
    if (this.#delayLength === 0) this.#addDelay(own);
    return Stanza.fromText(StanzaKind.PRESENCE, undefined, this.#last!);
  }

  #addDelay(own: Jid): void {
    const bytes = Buffer.from(delayXml(own, this.#timestamp, 'Delayed presence'));
    const delay = bytes.latin1Slice(0, bytes.length);
    let last = this.#last!;
    if (last.endsWith('/>')) last = `${last.slice(0, -2)}></presence>`;
    this.#delayAt = last.lastIndexOf('</');
    this.#delayLength = delay.length;
    this.#last = last.slice(0, this.#delayAt) + delay + last.slice(this.#delayAt);
  }

  /** Contacts that see our presence; while we are unavailable there is none for them to see. The list is the caller's. */
  audience(): Jid[] {
    return this.isAvailable ? this.contacts.from() : [];
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
    return [...this.#directed.values()].filter(
      (jid) => !this.isAvailable || !this.contacts.isSeenBy(jid.bare),
    );
  }

  /** Directed presence came from another session. False when there are too many to remember. */
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

/** The presence of a session that has had one. */
export function stateOf(context: ModuleContext, session: C2sParams): PresenceState | undefined {
  const state = session.moduleState(context.slot);
  return state instanceof PresenceState ? state : undefined;
}

/** The presence of a session, made if there is none. */
export function stateFor(context: ModuleContext, session: C2sParams): PresenceState {
  const known = stateOf(context, session);
  if (known !== undefined) return known;
  const state = new PresenceState();
  session.setModuleState(context.slot, state);
  return state;
}
