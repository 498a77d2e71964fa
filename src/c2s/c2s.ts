import type { Accumulator } from '../hooks/accumulator.ts';
import type { Acknowledger } from '../hooks/acknowledger.ts';
import type { HostType } from '../hooks/host-type.ts';
import type { C2sParams, ConnectionInfo, SessionState } from '../hooks/session.ts';
import { SCAN_LIMITS_BEFORE_LOGIN, UNAUTHENTICATED_BYTES_MAX } from '../limits.ts';
import type { LocalSession } from '../sm/local-session.ts';
import { PROBLEM, problemOf } from '../xml/scan-problem.ts';
import type { ScanError, Scanner } from '../xml/scanner.ts';
import { StreamContext } from '../xml/stream-context.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import { type StreamErrorCondition, streamErrorXml } from '../xmpp/stream-error.ts';
import type { C2sHost, ListenerSettings } from './c2s-host.ts';
import type { Connection } from './connection.ts';
import { debugChain, showWrittenText } from './debug-traffic.ts';
import { openStream, sendHeader } from './header.ts';
import { loginElement } from './login.ts';
import { Negotiation } from './negotiation.ts';
import { deliver } from './receive.ts';
import { sessionElement } from './send.ts';
import { sessionEvent } from './session-event.ts';
import type { StreamOwner } from './stream-owner.ts';
import { terminate } from './terminate.ts';

/** What the scanner says of a closing tag before any opening one. */
const CLOSED_FIRST = problemOf(PROBLEM.CLOSED_FIRST).text;

/** A stream whose opening tag has not been read. */
export const UNOPENED = new StreamContext('', [], SCAN_LIMITS_BEFORE_LOGIN);

/**
 * One client's stream and session: a state machine that is fed elements and says what to write. It knows no socket.
 *
 * wait_for_stream → wait_for_feature_before_auth ⇄ wait_for_sasl_response → wait_for_stream → wait_for_feature_after_auth →
 * session_established ⇄ external → closed. External is a session whose connection is lost and that a module keeps for its client to come back
 * (`take-over.ts`). What is needed only until the session is established lives in {@link Negotiation}, so that an
 * idle session is small.
 */
export class C2s implements StreamOwner, C2sParams, LocalSession {
  readonly host: C2sHost;
  listener: ListenerSettings;
  info: ConnectionInfo;
  connection!: Connection;
  state: SessionState = 'wait_for_stream';
  /** Undefined once the session is established. */
  negotiation: Negotiation | undefined;
  hostType: HostType | undefined = undefined;
  lserver: string;
  lang: string;
  /** The bound address. Before binding: the authenticated bare JID; then `isAuthenticated` tells. */
  jid!: Jid;
  sid!: SessionId;
  isAuthenticated = false;
  reason: string | undefined = undefined;
  /** Its account is being removed: what the client still sends is ignored until the session is ended, which follows. */
  ignoresInput = false;
  directoryHandle = -1;
  /** The last recipient: most stanzas go where the one before went. */
  lastTo: Jid | undefined = undefined;
  /** Stanzas that wait because receiving is suspended; undefined while it is not. */
  inbox: Accumulator[] | undefined = undefined;
  inboxBytes = 0;
  /** How many reasons receiving waits for; and how many of them only keep the order: nothing of the session is at work for those. */
  holds = 0;
  orderHolds = 0;
  /** Stored messages that wait for one of theirs; undefined while none does. */
  storedInbox: Accumulator[] | undefined = undefined;
  /** Called when no stored message waits any more. */
  whenReceived: ((isReceived: boolean) => void)[] | undefined = undefined;
  isTraced = false;
  /** What all shards see of it in the session directory, beside its priority; see `SessionFlag`. */
  flags = 0;
  /** The priority of the last available presence; undefined while unavailable. */
  priority: number | undefined = undefined;
  /** Set while the client acknowledges what it gets; see `hooks/acknowledger.ts`. */
  acknowledger: Acknowledger | undefined = undefined;
  /** Called when nothing of the session is at work any more, before what waited goes on. */
  whenIdle: (() => void)[] | undefined = undefined;
  /** What is being done with the stanza that the client's input waits for; undefined while it waits for none. */
  handling: Promise<unknown> | undefined = undefined;
  /** What this client sent and is being stored. */
  commits: Set<Promise<unknown>> | undefined = undefined;
  #moduleStates: unknown[] | undefined = undefined;

  constructor(host: C2sHost, listener: ListenerSettings, info: ConnectionInfo) {
    this.host = host;
    this.listener = listener;
    this.info = info;
    this.lserver = host.defaultDomain;
    this.lang = host.defaultLanguage;
    this.negotiation = new Negotiation(host.monotonicMs(), listener.stateTimeoutMs);
  }

  get isEncrypted(): boolean {
    return this.connection.isEncrypted;
  }

  get awaitsTls(): boolean {
    return this.listener.tls !== undefined && !this.connection.isEncrypted;
  }

  /** Whether it is a session, in the session table, with a connection or waiting for one. A module that logs a client in owns a stream without. */
  get isEstablished(): boolean {
    return (
      this.state === 'session_established' || (this.state === 'external' && this.negotiation === undefined)
    );
  }

  moduleState(slot: number): unknown {
    return this.#moduleStates?.[slot];
  }

  setModuleState(slot: number, state: unknown): void {
    this.#moduleStates ??= [];
    this.#moduleStates[slot] = state;
  }

  // ── from the connection ────────────────────────────────────────────────────────────────────────────────────

  streamOpened(scanner: Scanner, buffer: Buffer): void {
    openStream(this, scanner, buffer);
  }

  element(scanner: Scanner, buffer: Buffer): void {
    if (this.state === 'session_established') sessionElement(this, scanner, buffer);
    else loginElement(this, scanner, buffer);
  }

  streamOpenedAgain(): void {
    this.fail('policy-violation', 'the stream is open already');
  }

  streamClosed(): void {
    this.end('normal');
  }

  unreadable(error: ScanError, text: string): void {
    if (this.state === 'wait_for_stream' && this.listener.hidesServiceName && !this.isAuthenticated) {
      this.abort('not_a_stream');
      return;
    }
    if (text === CLOSED_FIRST && this.negotiation !== undefined && this.negotiation.streamId !== '') {
      // Of the stream that TLS or SASL has just replaced.
      this.end('normal');
      return;
    }
    this.fail(error, text);
  }

  crashed(cause: unknown): void {
    const jid = this.isAuthenticated ? this.jid.full : undefined;
    this.host.log.error(
      { err: cause, what: 'c2s_crashed', jid },
      'handling a stanza crashed; its stream is closed',
    );
    this.fail('internal-server-error', undefined, 'error');
  }

  disconnected(error: Error | undefined): void {
    if (this.state === 'closed') return;
    this.reason ??= error === undefined ? 'socket_closed' : 'socket_error';
    terminate(this);
  }

  /** Bytes were read; a stranger may not send without end. False when the stream was closed over it. */
  countBytes(bytes: number): boolean {
    const { negotiation } = this;
    if (negotiation === undefined || this.isAuthenticated) return true;
    negotiation.bytes += bytes;
    if (negotiation.bytes <= UNAUTHENTICATED_BYTES_MAX) return true;
    this.fail('policy-violation', 'too much data before login');
    return false;
  }

  // ── to the client ──────────────────────────────────────────────────────────────────────────────────────────

  /** Writes XML that is not a routed stanza: features, SASL, acknowledgements. */
  write(xml: string): void {
    this.connection.writeText(xml);
    const debug = debugChain(this);
    if (debug !== null) showWrittenText(debug, this, xml);
  }

  /** Runs a routed stanza through the receive pipeline. */
  deliver(acc: Accumulator): void {
    deliver(this, acc);
  }

  event(tag: string, payload: unknown): void {
    sessionEvent(this, tag, payload);
  }

  /** Ends the stream with an error (RFC 6120 §4.9). */
  fail(condition: StreamErrorCondition, text?: string, reason: string = condition): void {
    this.#close(reason, `${streamErrorXml(condition, text)}</stream:stream>`);
  }

  /** Ends the stream in order; `lastWords` come before the closing tag. */
  end(reason: string, lastWords = ''): void {
    this.#close(reason, `${lastWords}</stream:stream>`);
  }

  #close(reason: string, xml: string): void {
    if (this.state === 'closed') return;
    if (this.connection.isHandshaking) {
      // XML in the middle of a handshake would be noise.
      this.abort(reason);
      return;
    }
    if (this.negotiation !== undefined && !this.negotiation.isHeaderSent) sendHeader(this);
    this.reason ??= reason;
    terminate(this);
    this.write(xml);
    this.connection.close();
  }

  /** Ends the connection without a word. */
  abort(reason: string): void {
    this.reason ??= reason;
    terminate(this);
    this.connection.destroy();
  }

  closeWithConflict(reason: string, text: string, by: SessionId | undefined): void {
    this.replacedBy = by;
    this.fail('conflict', text, reason);
  }

  /** The session that took over this one's resource. */
  replacedBy: SessionId | undefined = undefined;

  /** The time for the present step of the negotiation is over. */
  timedOut(): void {
    this.fail('connection-timeout');
  }
}
