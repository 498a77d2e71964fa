import type { C2s } from '../c2s/c2s.ts';
import type { C2sHost, DomainInfo, OpenResult } from '../c2s/c2s-host.ts';
import type { LoginService } from '../c2s/login-service.ts';
import type { TlsService } from '../c2s/tls.ts';
import type { Accumulator } from '../hooks/accumulator.ts';
import type { ChainTable } from '../hooks/registry.ts';
import type { Trace } from '../hooks/trace.ts';
import type { Logger } from '../observe/log.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { JidCache } from '../xmpp/jid-cache.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import { StanzaError } from '../xmpp/stanza-error.ts';
import type { Shard } from './shard.ts';

/** What clients' streams see of their shard: each of their questions goes to the part that knows. */
export class StreamsHost implements C2sHost {
  readonly shard: number;
  readonly counters: Float64Array;
  readonly jids: JidCache;
  readonly log: Logger;
  readonly globals: { readonly chains: ChainTable };
  readonly login: LoginService;
  readonly tls: TlsService;
  readonly #shard: Shard;

  /** `shard`: its parts that streams need are made. */
  constructor(shard: Shard) {
    this.#shard = shard;
    this.shard = shard.shard;
    this.counters = shard.counters;
    this.jids = shard.jids;
    this.log = shard.log;
    this.globals = shard.hostTypes.globals;
    this.login = shard.login;
    this.tls = shard.tls;
  }

  get defaultDomain(): string {
    return this.#shard.config.general.defaultServerDomain;
  }

  get defaultLanguage(): string {
    return this.#shard.config.general.language;
  }

  timestamp(): number {
    return this.#shard.timestamp();
  }

  nextRef(): number {
    return this.#shard.nextRef();
  }

  monotonicMs(): number {
    return this.#shard.monotonicMs();
  }

  domain(name: string): DomainInfo | undefined {
    return this.#shard.domains.hosted(name);
  }

  whenSent(): Promise<void> | undefined {
    return this.#shard.threads.whenSent();
  }

  route(acc: Accumulator): undefined | Promise<unknown> {
    return this.#shard.routing.routeFromClient(acc);
  }

  watchLogin(c2s: C2s): void {
    this.#shard.connections.watchLogin(c2s);
  }

  unwatchLogin(c2s: C2s): void {
    this.#shard.connections.unwatchLogin(c2s);
  }

  wasRemoved(jid: Jid, sinceMs: number): boolean {
    return this.#shard.removals.since(jid, sinceMs);
  }

  newSessionId(): SessionId {
    return this.#shard.sessions.newId();
  }

  cancelSessionId(sid: SessionId): void {
    this.#shard.sessions.cancelId(sid);
  }

  openSession(c2s: C2s, jid: Jid, sid: SessionId): OpenResult {
    const result = this.#shard.sessions.open(c2s, jid, sid);
    c2s.isTraced = this.#shard.tracing.isActive;
    return result;
  }

  closeSession(c2s: C2s): void {
    this.#shard.sessions.close(c2s);
  }

  trace(_c2s: C2s, acc: Accumulator): Trace | undefined {
    return this.#shard.tracing.of(acc);
  }

  inboxFull(acc: Accumulator): void {
    const { routing } = this.#shard;
    routing.outcomes.takenBack(acc);
    routing.refuse(acc, new StanzaError('resource-constraint', 'Too much waits for the recipient'));
  }

  undeliverable(acc: Accumulator): void {
    const { routing } = this.#shard;
    routing.outcomes.takenBack(acc);
    routing.routeAgain(acc);
  }

  streamEnded(_c2s: C2s): void {
    this.#shard.touch();
  }
}
