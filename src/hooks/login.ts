import type { SaslExchange } from '../auth/sasl/exchange.ts';
import type { SaslFailure, SaslResult, SaslSuccess } from '../auth/sasl/result.ts';
import type { Element } from '../xml/element.ts';
import type { StreamErrorCondition } from '../xmpp/stream-error.ts';
import type { Accumulator } from './accumulator.ts';
import type { C2sParams } from './session.ts';

/** What modules use that log clients in: SASL profiles, and mechanisms of their own. */

export type { SaslExchange } from '../auth/sasl/exchange.ts';
export type { SaslChallenge, SaslFailure, SaslResult, SaslSuccess } from '../auth/sasl/result.ts';

/** One exchange of a mechanism, fed with what the elements of a profile carry. */
export interface LoginExchange {
  readonly mechanism: string;
  /** The next step. `text` is base64, undefined when there was no element for it. Never throws, never rejects. */
  step(text: string | undefined): SaslResult | Promise<SaslResult>;
}

/** How opening a session ended: refused by a handler or access rule, or no room for it. */
export type Opening = 'opened' | 'refused' | 'full';

/** A client's stream that has no session yet, for the module that logs the client in. Of no use once the stream has ended. */
export interface StreamLogin {
  /** Whether the stream is still there: to be asked after everything that was waited for. */
  readonly isOpen: boolean;
  /** The types of channel binding that the connection can use. */
  readonly channelBindings: readonly string[];
  /** Starts a mechanism that this stream was offered, or says why not. `acc` is the accumulator of the login. */
  start(mechanism: string, acc: Accumulator): LoginExchange | SaslFailure;
  /** The state becomes `external`: whatever the client sends goes to `user_send_xmlel`, until {@link failed} or {@link authenticated}. */
  takeOver(): void;
  /** The client's input waits until `work` has settled. What it rejects with ends the stream. */
  suspend(work: Promise<unknown>): void;
  /** A step was taken: the next one has its own time. */
  stepped(): void;
  /** The client is asked for tasks, over which a person may have to think: from now until they end there are five minutes. */
  tasksBegan(): void;
  /** Whether the stream was opened in the name of another account than this one of its domain. */
  isForeign(username: string): boolean;
  /** The client has shown who it is. False when the stream has ended over it. */
  authenticated(success: SaslSuccess): boolean;
  /** It has not: counts the failure, writes `xml`, and ends the stream after too many. */
  failed(failure: SaslFailure, xml: string): void;
  /**
   * Opens a session with a prepared resource, as resource binding does: asks whether it may be, then calls `enable`, then enters it into the session
   * table. What is delivered to it waits until `until` has settled; if that is before, nothing is opened. `acc` gets the full JID as its sender.
   */
  openSession(
    acc: Accumulator,
    resource: string,
    until: Promise<unknown>,
    enable: () => undefined | Promise<unknown>,
  ): Promise<Opening>;
  write(xml: string): void;
  /** Writes `<stream:features/>` for the present state. */
  writeFeatures(): Promise<void>;
  /** Does what handlers asked for in a hook over this accumulator. */
  apply(acc: Accumulator): void;
  /** Ends the stream with an error. */
  fail(condition: StreamErrorCondition, text?: string): void;
}

/** What a mechanism of a module knows about the login that it is used for. */
export interface MechanismLogin {
  /** Of the stream, prepared. */
  readonly domain: string;
  readonly session: C2sParams;
  /** The accumulator of the login; undefined in the profile of RFC 6120. */
  readonly acc: Accumulator | undefined;
  /** The account that an authentication identity names on the domain; undefined when it can be none. */
  accountName(authcid: string): string | undefined;
  /** Data of a channel-binding type (`tls-exporter`, `tls-server-end-point`) of the connection; undefined where it has none. */
  channelBinding(type: string): Buffer | undefined;
  /** Whether logins that an authentication method accepts count on this listener. */
  allowsMethod(method: string): boolean;
}

/** A SASL mechanism that a module brings. */
export interface ModuleMechanism {
  /** On the wire. */
  readonly name: string;
  /** Whether it is offered among the others, where `auth.sasl_mechanisms` names it. One that is not can be used in SASL2 alone. */
  readonly isListed: boolean;
  /** Starts an exchange; it keeps the contract of {@link SaslExchange}. */
  start(login: MechanismLogin): SaslExchange;
}

/** Who logs in, as the client describes itself (XEP-0388 §2.3; key `sasl2/user_agent`). Nobody else is told. */
export interface UserAgent {
  /** A UUID, in small letters. */
  readonly id: string | undefined;
  readonly software: string | undefined;
  readonly device: string | undefined;
}

/** What a step of a task leads to: something to tell the client, who answers it; the end of the task; or the end of the login. */
export type TaskResult =
  | { readonly kind: 'data' | 'done'; readonly children: readonly Element[] }
  | SaslFailure;

/** What a client has to do besides proving who it is (XEP-0388 §2.6.3), such as a second factor. Made for one login. */
export interface LoginTask {
  /** On the wire: 1 to 20 characters. */
  readonly name: string;
  /** Takes what the client sends: its `<next/>`, then each `<task-data/>`. What it throws or rejects with fails the login. */
  step(element: Element): TaskResult | Promise<TaskResult>;
}

/** What a login still needs (`sasl2_tasks`). */
export interface LoginDemands {
  /** The client does one of these, and is then asked again; none: it is in. Of one name the first counts. */
  readonly tasks: readonly LoginTask[];
  /** For people: why. */
  readonly text: string | undefined;
  /** The login fails instead. */
  readonly failure: SaslFailure | undefined;
}
