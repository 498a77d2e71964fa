import { VISITS_MAX } from '../limits.ts';
import type { Jid } from '../xmpp/jid.ts';
import { Stanza } from '../xmpp/stanza.ts';
import type { StanzaError } from '../xmpp/stanza-error.ts';
import type { Action } from './action.ts';
import type { HostType } from './host-type.ts';
import type { SessionId } from './session.ts';
import type { Trace } from './trace.ts';

/** How a stanza entered the server. The numbers travel in frames. */
export const Origin = { NONE: 0, C2S: 1, S2S: 2, COMPONENT: 3, SERVER: 4, ADMIN: 5, CLIENT_API: 6 } as const;
export type Origin = (typeof Origin)[keyof typeof Origin];

/** Bits of {@link Accumulator.flags}. The numbers travel in frames. */
export const Flag = {
  /** The stanza is an answer of the domain isolation itself, and passes it. */
  ISOLATION_IGNORE: 1,
  /** The stanza carries a `<delay/>`: it is a repetition and is not archived again. */
  DELAYED: 2,
  CARBON: 4,
  /** An error was already sent because of this stanza: no second one. */
  ERROR_SENT: 8,
  NO_STORE: 16,
  /** A copy of a message that stays in storage until its session has it: whoever cannot deliver it forgets it. */
  STORED: 32,
  /** One of several copies: other sessions of the account got this message, too. */
  SHARED: 64,
} as const;

/** Namespaced keys of an accumulator: `namespace`, `key` and value. */
type Keys = Map<string, unknown>;

/** How to undo one change. */
interface Undo {
  readonly field:
    | 'temporary'
    | 'permanent'
    | 'temporaries'
    | 'stanza'
    | 'from'
    | 'to'
    | 'flags'
    | 'actions'
    | 'hostType'
    | 'lserver';
  readonly key: string;
  readonly old: unknown;
}

const ABSENT = Symbol('absent');

/**
 * What accompanies a stanza through hooks, router and shards: where it comes from, whose context it is in, what was learnt
 * about it on the way. One is made per stanza; nested stanzas (replies, carbons) made because of it derive theirs from it.
 *
 * Keys are temporary or permanent. Temporary ones end with the context: at local delivery, where the recipient's domain
 * takes over ({@link strip}). Permanent ones travel on, to another shard too if their module registered a codec.
 *
 * If a handler throws, whatever it changed here is undone (see `chain.ts`).
 */
export class Accumulator {
  /** Identity for tracing; the same through all routing of this stanza and of everything derived from it. */
  readonly ref: number;
  /** Arrival, in microseconds since the epoch; unique and rising within a shard. */
  readonly timestamp: number;
  readonly origin: Origin;
  /** Whose hooks and options apply; undefined before a domain is known. */
  hostType: HostType | undefined;
  /** The domain whose context is being processed. */
  lserver: string;
  /** Undefined when no stanza caused this (a closed socket, a removed user). */
  stanza: Stanza | undefined;
  /** Authoritative: the attributes in the stanza may be missing until it is stamped. */
  from: Jid;
  to: Jid;
  /** The session whose stanza started all this (`c2s/origin_sid`, `c2s/origin_jid`). */
  originSid: SessionId | undefined;
  originJid: Jid | undefined;
  /** Only this session may receive the stanza (`c2s/receiver_sid`). */
  receiverSid: SessionId | undefined;
  flags: number;
  /** How often this stanza was routed again, here and as what it was derived from; loops end at `HOPS_MAX`. */
  hops: number;
  /** The same, and how often it was sent after its session: which of the times is meant that it comes to a shard. At most `VISITS_MAX`. */
  visits: number;
  /** It has been through a router, on this shard or another: the next time counts as a hop. */
  isRouted: boolean;
  /** Bit set of the shards that handed this stanza on to another one: they are told when it is routed again. */
  via: number;
  /** Where the steps of a traced stanza are noted; undefined unless somebody is watching. */
  trace: Trace | undefined;
  /** What handlers asked the session's state machine to do; applied after the chain. */
  actions: Action[] | undefined;
  #temporary: Keys | undefined;
  #permanent: Keys | undefined;
  #undo: Undo[] | undefined;
  /** Handlers at work on this, one inside another; changes are remembered while there is any. */
  #depth: number;

  constructor(
    ref: number,
    timestamp: number,
    origin: Origin,
    hostType: HostType | undefined,
    lserver: string,
    stanza: Stanza | undefined,
    from: Jid,
    to: Jid,
  ) {
    this.ref = ref;
    this.timestamp = timestamp;
    this.origin = origin;
    this.hostType = hostType;
    this.lserver = lserver;
    this.stanza = stanza;
    this.from = from;
    this.to = to;
    this.originSid = undefined;
    this.originJid = undefined;
    this.receiverSid = undefined;
    this.flags = 0;
    this.hops = 0;
    this.visits = 0;
    this.isRouted = false;
    this.via = 0;
    this.trace = undefined;
    this.actions = undefined;
    this.#temporary = undefined;
    this.#permanent = undefined;
    this.#undo = undefined;
    this.#depth = 0;
  }

  /** It is routed again. */
  hopped(): void {
    this.hops++;
    this.visited();
  }

  /** It goes somewhere else. */
  visited(): void {
    if (this.visits < VISITS_MAX) this.visits++;
  }

  /** Reads a key, temporary or permanent. */
  get<T>(namespace: string, key: string): T | undefined {
    const name = `${namespace}/${key}`;
    return (this.#permanent?.get(name) ?? this.#temporary?.get(name)) as T | undefined;
  }

  /** Sets a key for the present context. A permanent key keeps its permanence. */
  set(namespace: string, key: string, value: unknown): void {
    const name = `${namespace}/${key}`;
    if (this.#permanent?.has(name)) this.#put('permanent', this.#permanent, name, value);
    else {
      this.#temporary ??= new Map();
      this.#put('temporary', this.#temporary, name, value);
    }
  }

  /** Sets a key that survives a change of context. */
  setPermanent(namespace: string, key: string, value: unknown): void {
    const name = `${namespace}/${key}`;
    this.#permanent ??= new Map();
    if (this.#temporary?.has(name)) this.#remove('temporary', this.#temporary, name);
    this.#put('permanent', this.#permanent, name, value);
  }

  /** Appends to the list under a temporary key (a missing one starts empty). */
  append(namespace: string, key: string, value: unknown): void {
    this.set(namespace, key, [...(this.get<unknown[]>(namespace, key) ?? []), value]);
  }

  delete(namespace: string, key: string): void {
    const name = `${namespace}/${key}`;
    if (this.#permanent !== undefined) this.#remove('permanent', this.#permanent, name);
    if (this.#temporary !== undefined) this.#remove('temporary', this.#temporary, name);
  }

  /** The permanent keys as `namespace/key` and value, for whoever carries the stanza on or stores it. */
  permanentKeys(): ReadonlyMap<string, unknown> | undefined {
    return this.#permanent;
  }

  /** Makes all temporary keys of a namespace permanent. */
  makePermanent(namespace: string): void {
    if (this.#temporary === undefined) return;
    const prefix = `${namespace}/`;
    let names: string[] | undefined;
    for (const name of this.#temporary.keys()) {
      if (!name.startsWith(prefix)) continue;
      names ??= [];
      names.push(name);
    }
    if (names === undefined) return;
    for (const name of names)
      this.setPermanent(namespace, name.slice(prefix.length), this.#temporary.get(name));
  }

  /** Takes over permanent keys (from a frame, from storage, from another accumulator). */
  adoptPermanent(keys: ReadonlyMap<string, unknown> | undefined): void {
    if (keys === undefined || keys.size === 0) return;
    this.#permanent ??= new Map();
    for (const [name, value] of keys) {
      if (this.#temporary?.has(name)) this.#remove('temporary', this.#temporary, name);
      this.#put('permanent', this.#permanent, name, value);
    }
  }

  /** Replaces the stanza, and its addresses when given. */
  updateStanza(stanza: Stanza, from: Jid = this.from, to: Jid = this.to): void {
    this.#note('stanza', '', this.stanza);
    this.#note('from', '', this.from);
    this.#note('to', '', this.to);
    this.stanza = stanza;
    this.from = from;
    this.to = to;
  }

  addFlag(flag: number): void {
    this.#note('flags', '', this.flags);
    this.flags |= flag;
  }

  /** Asks the session's state machine for an effect. Only heard in hooks that a session runs for itself. */
  addAction(action: Action): void {
    this.#note('actions', '', this.actions);
    this.actions = this.actions === undefined ? [action] : [...this.actions, action];
  }

  /**
   * Moves to the context of another domain: temporary keys, pending actions and the memory of an error already sent end.
   */
  strip(hostType: HostType | undefined, lserver: string): void {
    this.#note('hostType', '', this.hostType);
    this.#note('lserver', '', this.lserver);
    this.#note('actions', '', this.actions);
    this.#note('temporaries', '', this.#temporary);
    this.#note('flags', '', this.flags);
    this.hostType = hostType;
    this.lserver = lserver;
    this.actions = undefined;
    this.#temporary = undefined;
    this.flags &= ~Flag.ERROR_SENT;
  }

  /**
   * An accumulator for a stanza caused by this one: same reference, time, origin and permanent keys.
   * `hostType` stays the present one until local delivery sets the recipient's.
   */
  derive(stanza: Stanza, from: Jid, to: Jid): Accumulator {
    const derived = new Accumulator(
      this.ref,
      this.timestamp,
      this.origin,
      this.hostType,
      this.lserver,
      stanza,
      from,
      to,
    );
    derived.originSid = this.originSid;
    derived.originJid = this.originJid;
    derived.hops = this.hops;
    derived.visits = this.visits;
    derived.hopped();
    if (this.trace !== undefined) derived.trace = this.trace.derived?.(derived) ?? this.trace;
    derived.adoptPermanent(this.#permanent);
    return derived;
  }

  /**
   * The error reply to this stanza (RFC 6120 §8.3.1), or undefined where none may be sent: to an error or an IQ result, or
   * when one was sent already. The caller routes it.
   */
  errorReply(error: StanzaError): Accumulator | undefined {
    const stanza = this.stanza;
    if (stanza === undefined || stanza.type === 'error' || stanza.type === 'result') return undefined;
    if ((this.flags & Flag.ERROR_SENT) !== 0) return undefined;
    this.addFlag(Flag.ERROR_SENT);
    const element = stanza.element.copy();
    element.attributes.set('type', 'error');
    element.children.unshift(error.toElement());
    return this.derive(Stanza.of(element), this.to, this.from);
  }

  /**
   * Starts remembering how to undo; called before each handler (see `chain.ts`), and followed by {@link commit} or
   * {@link rollBack}. Handlers nest: one may run another chain over the same accumulator. Returns the mark to roll back to.
   */
  begin(): number {
    this.#depth++;
    return this.#undo === undefined ? 0 : this.#undo.length;
  }

  /** The handler is done. What it changed stays, unless a handler around it fails. */
  commit(): void {
    this.#depth--;
    if (this.#depth === 0 && this.#undo !== undefined) this.#undo.length = 0;
  }

  /** The handler failed: undoes everything since the {@link begin} that returned `mark`. */
  rollBack(mark: number): void {
    this.#depth--;
    const undo = this.#undo;
    if (undo === undefined) return;
    for (let i = undo.length - 1; i >= mark; i--) this.#revert(undo[i]!);
    undo.length = mark;
  }

  /**
   * Makes the stanza independent of the buffer that it was read from, and with it any earlier stanza that a roll-back would
   * bring back.
   */
  retain(): void {
    this.stanza?.retain();
    if (this.#undo === undefined) return;
    for (const { field, old } of this.#undo) if (field === 'stanza') (old as Stanza | undefined)?.retain();
  }

  #revert({ field, key, old }: Undo): void {
    if (field === 'temporary' || field === 'permanent') {
      const map = field === 'temporary' ? this.#temporary : this.#permanent;
      if (old === ABSENT) map?.delete(key);
      else map?.set(key, old);
    } else if (field === 'temporaries') this.#temporary = old as Keys | undefined;
    else (this as Record<string, unknown>)[field] = old;
  }

  #note(field: Undo['field'], key: string, old: unknown): void {
    if (this.#depth === 0) return;
    this.#undo ??= [];
    this.#undo.push({ field, key, old });
  }

  #put(field: 'temporary' | 'permanent', map: Keys, name: string, value: unknown): void {
    this.#note(field, name, map.has(name) ? map.get(name) : ABSENT);
    map.set(name, value);
  }

  #remove(field: 'temporary' | 'permanent', map: Keys, name: string): void {
    if (!map.has(name)) return;
    this.#note(field, name, map.get(name));
    map.delete(name);
  }
}
