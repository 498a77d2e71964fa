import type { Accumulator } from '../../hooks/accumulator.ts';
import type { ModuleMechanism } from '../../hooks/login.ts';
import type { Handler, HookName } from '../../hooks/points.ts';
import type { HandlerOptions } from '../../hooks/registry.ts';
import type { IqDiscipline, IqHandler } from '../../local/iq.ts';
import type { IqComponent } from '../../local/iq-table.ts';
import type { CommandError } from '../../util/command-error.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { PortablePart } from './portable.ts';
import type { StateCodec, TakeOverJudge } from './take-over.ts';

/** What a command of the administration was given, as plain data from outside: to be looked at before it is used. */
export type CommandInput = Readonly<Record<string, unknown>>;

/** How a permanent key of an accumulator becomes plain data, and back. */
export interface KeyCodec {
  readonly encode: (value: unknown) => unknown;
  readonly decode: (data: unknown) => unknown;
}

/** What a module hangs on, and what it answers. All of it ends with the module. */
export interface Registrations {
  /** Registers a handler of a hook for this host type. The lower priority runs first. */
  hook<N extends HookName>(
    name: N,
    priority: number,
    handler: { [K in HookName]: Handler<K> }[N],
    options?: HandlerOptions,
  ): void;
  /** Registers a handler of a global hook. */
  globalHook<N extends HookName>(
    name: N,
    priority: number,
    handler: { [K in HookName]: Handler<K> }[N],
    options?: HandlerOptions,
  ): void;
  /** Answers requests of a namespace to the server (`local`) or to bare JIDs (`sm`). Announced by service discovery. */
  iq(component: IqComponent, namespace: string, handler: IqHandler, discipline?: IqDiscipline): void;
  /** Serves a subdomain of each host: its stanzas go to `handler` after `filter_local_packet`. */
  subdomain(domain: string, handler: (acc: Accumulator) => undefined | Promise<unknown>): void;
  /**
   * Serves a domain of its own on this shard, outside of all host types, as an external component does (XEP-0114): stanzas of all shards
   * come here unless their own shard serves the domain too, after the access rule (`all` if absent) and `packet_to_component`, without
   * `filter_local_packet`. `isHidden` keeps it out of service discovery. A handler that keeps a stanza calls its `retain`.
   * False if the domain is a host, a subdomain, or served here already.
   */
  component(
    domain: string,
    receive: (acc: Accumulator) => undefined | Promise<unknown>,
    options?: { readonly isHidden?: boolean; readonly access?: string },
  ): boolean;
  /**
   * Answers a command of the admin socket for the host type's domains: `run` gets the arguments, and resolves to plain data. What its caller did
   * wrong is a {@link CommandError}. The command runs on one shard.
   */
  command(name: string, run: (input: CommandInput) => Promise<unknown>): void;
  /** Takes what a kind of data of an account is in files that servers exchange (XEP-0227), and writes it. */
  portable(part: PortablePart): void;
  /**
   * Says that IQ sets with a payload of this namespace are what an account tells its own sessions: those of anybody else are refused before a client sees
   * them (at priority 5 of `user_receive_iq`). `names`: what such a payload may be called.
   */
  ownPush(namespace: string, names: readonly string[]): void;
  /** Brings a SASL mechanism; it ends with the module. */
  mechanism(mechanism: ModuleMechanism): void;
  /** Answers presence probes to accounts of the host type that have no available session. A promise delays the prober's next stanza. */
  absentProbe(answer: (acc: Accumulator) => undefined | Promise<unknown>): void;
  /**
   * Lets a permanent key of this module travel to other shards and into storage; `encode` makes plain data of its value. Keys without this
   * stay behind.
   */
  permanentKey(namespace: string, key: string, codec: KeyCodec): void;
  /** Says how this module's state in a session becomes plain data, for sessions that move to another shard. */
  sessionState<State>(codec: StateCodec<State>): void;
  onTakeOver(judge: TakeOverJudge): void;
  /**
   * Hears that everything an account can log in with besides its password is to end: the password was changed, or the operator wants it. Reject
   * when it could not be ended. Only one shard is told.
   */
  onRevocation(handler: (jid: Jid) => Promise<unknown>): void;
  /** Hears what instances of this module, or of another one, {@link announce}. */
  onAnnouncement(handler: (content: unknown) => void, module?: string): void;
  /** Called when the module stops. `isRestart`: it is started again at once, with other options. */
  onStop(callback: (isRestart: boolean) => void): void;
}
