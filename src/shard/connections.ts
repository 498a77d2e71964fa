import type { Socket } from 'node:net';
import { Backlog } from '../c2s/backlog.ts';
import { C2s, UNOPENED } from '../c2s/c2s.ts';
import type { C2sHost, ListenerSettings } from '../c2s/c2s-host.ts';
import { Connection } from '../c2s/connection.ts';
import type { ConnectionHost } from '../c2s/connection-host.ts';
import type { ConnectionOutput } from '../c2s/connection-output.ts';
import { OutputArena } from '../c2s/output.ts';
import { Pause } from '../c2s/pause.ts';
import { ScannerPool } from '../c2s/scanner-pool.ts';
import { handshake } from '../c2s/starttls.ts';
import type { FormerOwner } from '../c2s/take-over.ts';
import { foldHook } from '../hooks/run.ts';
import type { ConnectionInfo } from '../hooks/session.ts';
import { READ_BUFFER_BYTES } from '../limits.ts';
import { Counter } from '../memory/counters.ts';
import { createReadBuffer } from '../util/owned-socket.ts';
import { Shaper } from './shaper.ts';

/** Connections with output, after which it is written in the middle of a turn: their clients need not wait for the rest of it. */
const FLUSH_AT = 32;

/** What a connection belongs to: a stream, or what is left of it (`c2s/take-over.ts`). */
type ConnectionOwner = C2s | FormerOwner;

/** What the connections of a shard need from it. */
export interface ConnectionsHost {
  readonly counters: Float64Array;
  readonly c2s: C2sHost;
  listener(index: number): ListenerSettings | undefined;
  touch(): void;
  isCongested(): boolean;
  nowMs(): number;
  connectionClosed(listener: number, address: string): void;
}

/** All client connections of a shard. */
export class Connections implements ConnectionHost {
  readonly readBuffer = createReadBuffer(READ_BUFFER_BYTES);
  readonly pool = new ScannerPool();
  readonly arena = new OutputArena();
  readonly backlog = new Backlog<ConnectionOutput>();
  readonly counters: Float64Array;
  readonly #host: ConnectionsHost;
  readonly #shaper: Shaper;
  readonly #all = new Set<Connection>();
  /** Sockets about which a handler of `check_bl_c2s` still thinks. */
  readonly #pending = new Map<Socket, ConnectionInfo>();
  #isDraining = false;
  #dirty: Connection[] = [];
  #isFlushing = false;
  #yielded: Connection[] = [];
  readonly #congested = new Set<Connection>();
  /** Streams that are not logged in yet. */
  readonly #strangers = new Set<C2s>();

  constructor(host: ConnectionsHost) {
    this.#host = host;
    this.counters = host.counters;
    this.#shaper = new Shaper(() => host.nowMs());
  }

  get size(): number {
    return this.#all.size;
  }

  /** The server stops. Nobody is admitted any more, and who was waiting to be is sent away: such an answer may take as long as it likes. */
  drain(): void {
    this.#isDraining = true;
    const waiting = [...this.#pending];
    this.#pending.clear();
    for (const [socket, info] of waiting) this.#refuse(socket, info);
  }

  /** Takes over a fresh socket, unless its address is not welcome. Not a byte of it has been read. */
  accept(socket: Socket, listenerIndex: number, address: string, port: number): void {
    const info: ConnectionInfo = { address, port, listener: listenerIndex };
    const isRefused = foldHook(this.#host.c2s.globals, 'check_bl_c2s', false, { ip: address });
    if (isRefused instanceof Promise) {
      this.#pending.set(socket, info);
      void isRefused.then((refused) => {
        if (this.#pending.delete(socket)) this.#admit(socket, info, refused);
      });
    } else this.#admit(socket, info, isRefused);
  }

  #refuse(socket: Socket, info: ConnectionInfo): void {
    socket.destroy();
    this.#host.connectionClosed(info.listener, info.address);
  }

  #admit(socket: Socket, info: ConnectionInfo, isRefused: boolean): void {
    const listener = this.#host.listener(info.listener);
    if (listener === undefined || isRefused || this.#isDraining) {
      this.#refuse(socket, info);
      return;
    }
    const c2s = new C2s(this.#host.c2s, listener, info);
    const connection = new Connection(this, socket, UNOPENED, c2s);
    c2s.connection = connection;
    this.#all.add(connection);
    this.counters[Counter.connections] = this.#all.size;
    this.watchLogin(c2s);
    if (listener.tls?.mode === 'tls') handshake(c2s);
  }

  *streams(): IterableIterator<C2s> {
    for (const { owner } of this.#all) if (owner instanceof C2s) yield owner;
  }

  // ── logging in takes its time, but not for ever ────────────────────────────────────────────────────────────

  watchLogin(c2s: C2s): void {
    this.#strangers.add(c2s);
    this.counters[Counter.connections_unauthenticated] = this.#strangers.size;
  }

  unwatchLogin(c2s: C2s): void {
    if (this.#strangers.delete(c2s))
      this.counters[Counter.connections_unauthenticated] = this.#strangers.size;
  }

  /** An account was removed, or all of a domain: whoever has logged in to it and has no session yet gets none. */
  dropStrangers(bareOrDomain: string): void {
    for (const c2s of this.#strangers) {
      if (!c2s.isAuthenticated) continue;
      const { bare, domain } = c2s.jid;
      if (bareOrDomain === bare || bareOrDomain === domain)
        c2s.closeWithConflict('kicked', 'User removed', undefined);
    }
  }

  /** Ends streams whose time for a step, or for the whole login, is over. Called a few times a second. */
  expireLogins(): void {
    const now = this.#host.nowMs();
    for (const c2s of this.#strangers) {
      const { negotiation } = c2s;
      if (negotiation === undefined) continue;
      if (now >= negotiation.stepDeadlineMs || now >= negotiation.loginDeadlineMs) c2s.timedOut();
    }
  }

  /** Ends the connections of clients that do not read. Called a few times a second. */
  dropSlow(): void {
    if (this.backlog.isEmpty) return;
    for (const connection of this.backlog.overdue(this.#host.nowMs())) connection.dropSlow();
  }

  // ── ConnectionHost ─────────────────────────────────────────────────────────────────────────────────────────

  nowMs(): number {
    return this.#host.nowMs();
  }

  touch(): void {
    this.#host.touch();
  }

  dirty(connection: Connection): void {
    if (this.#dirty.length >= FLUSH_AT && !this.#isFlushing) this.flush();
    this.#dirty.push(connection);
    this.#host.touch();
  }

  yielded(connection: Connection): void {
    this.#yielded.push(connection);
  }

  readBytes(connection: Connection, bytes: number): void {
    const c2s = connection.owner as ConnectionOwner;
    const { shaper } = c2s.listener;
    if (shaper !== undefined) this.#shaper.consume(connection, shaper, bytes);
    if (c2s.negotiation !== undefined) (c2s as C2s).countBytes(bytes);
    if (this.#host.isCongested()) {
      connection.pause(Pause.CONGESTED);
      this.#congested.add(connection);
      this.counters[Counter.congested_turns]!++;
    }
  }

  closed(connection: Connection): void {
    this.#all.delete(connection);
    this.#congested.delete(connection);
    this.counters[Counter.connections] = this.#all.size;
    const { info } = connection.owner as ConnectionOwner;
    this.#host.connectionClosed(info.listener, info.address);
  }

  // ── the turn ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes what the turn produced. */
  flush(): void {
    const dirty = this.#dirty;
    if (dirty.length === 0) return;
    this.#dirty = [];
    this.#isFlushing = true;
    for (let i = 0; i < dirty.length; i++) dirty[i]!.flush();
    this.#isFlushing = false;
    // Who waited for the flush may have written again: that memory is in use until the next one.
    if (this.#dirty.length === 0) this.arena.reset();
  }

  /** Connections that gave way go on. Returns whether some gave way again. */
  resumeYielded(): boolean {
    const yielded = this.#yielded;
    if (yielded.length === 0) return false;
    this.#yielded = [];
    for (const connection of yielded) connection.unpause(Pause.YIELDED);
    return this.#yielded.length > 0;
  }

  congestionEnded(): void {
    if (this.#congested.size === 0) return;
    const waiting = [...this.#congested];
    this.#congested.clear();
    for (const connection of waiting) connection.unpause(Pause.CONGESTED);
  }
}
