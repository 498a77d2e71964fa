import type { Accumulator } from '../hooks/accumulator.ts';
import { STOP } from '../hooks/chain.ts';
import type { ModuleMechanism } from '../hooks/login.ts';
import type { Handler, HookName } from '../hooks/points.ts';
import { GLOBAL, type HandlerOptions } from '../hooks/registry.ts';
import type { IqDiscipline, IqHandler } from '../local/iq.ts';
import type { IqComponent } from '../local/iq-table.ts';
import type {
  CommandInput,
  KeyCodec,
  PortablePart,
  Registrations,
  StateCodec,
  TakeOverJudge,
} from '../modules/module.ts';
import type { Jid } from '../xmpp/jid.ts';
import { StanzaError } from '../xmpp/stanza-error.ts';
import { isForgedPush } from './forged-pushes.ts';
import { ModuleContextBase } from './module-context-base.ts';

/** Before whatever looks at the content of requests. */
const PUSH_PRIORITY = 5;

const DEFAULT_DISCIPLINE: IqDiscipline = { type: 'no_queue' };

/** What a module registers: each is undone when it ends. */
export abstract class ModuleRegistrations extends ModuleContextBase implements Registrations {
  /** How this module's state goes with sessions to other shards. */
  stateCodec: StateCodec | undefined = undefined;

  hook<N extends HookName>(
    name: N,
    priority: number,
    handler: { [K in HookName]: Handler<K> }[N],
    options?: HandlerOptions,
  ): void {
    this.services.registry.add(name, this.hostType, priority, this.module, handler, options);
  }

  globalHook<N extends HookName>(
    name: N,
    priority: number,
    handler: { [K in HookName]: Handler<K> }[N],
    options?: HandlerOptions,
  ): void {
    this.services.registry.add(name, GLOBAL, priority, `${this.module} (${this.hostType})`, handler, options);
  }

  iq(
    component: IqComponent,
    namespace: string,
    handler: IqHandler,
    discipline: IqDiscipline = DEFAULT_DISCIPLINE,
  ): void {
    const { iqs } = this.services.routing;
    iqs.add(this.hostType, component, namespace, handler, discipline);
    this.undo.push(() => iqs.remove(this.hostType, component, namespace));
  }

  subdomain(domain: string, handler: (acc: Accumulator) => undefined | Promise<unknown>): void {
    this.services.subhosts.add(this.host, domain, handler);
    this.undo.push(() => this.services.subhosts.remove(domain));
  }

  component(
    domain: string,
    receive: (acc: Accumulator) => undefined | Promise<unknown>,
    options?: { readonly isHidden?: boolean; readonly access?: string },
  ): boolean {
    const isOpen = this.services.components.open(domain, receive, options);
    if (isOpen) this.undo.push(() => this.services.components.close(domain));
    return isOpen;
  }

  command(name: string, run: (input: CommandInput) => Promise<unknown>): void {
    const { moduleCommands } = this.services;
    moduleCommands.add(this.hostType, this.module, name, run);
    this.undo.push(() => moduleCommands.remove(this.hostType, name));
  }

  portable(part: PortablePart): void {
    this.undo.push(this.services.portableParts.add(this.hostType, part));
  }

  ownPush(namespace: string, names: readonly string[]): void {
    this.hook('user_receive_iq', PUSH_PRIORITY, (acc, session) => {
      if (!isForgedPush(acc, session, namespace, names)) return undefined;
      const reply = acc.errorReply(new StanzaError('service-unavailable'));
      if (reply !== undefined) void this.services.routing.route(reply);
      return STOP;
    });
  }

  mechanism(mechanism: ModuleMechanism): void {
    this.undo.push(this.services.mechanisms.add(this.hostType, mechanism));
  }

  absentProbe(answer: (acc: Accumulator) => undefined | Promise<unknown>): void {
    const { absentProbes } = this.services.routing.recipients;
    absentProbes.set(this.hostType, answer);
    this.undo.push(() => absentProbes.delete(this.hostType));
  }

  permanentKey(namespace: string, key: string, codec: KeyCodec): void {
    const { keys } = this.services;
    keys.register(namespace, key, codec);
    this.undo.push(() => keys.unregister(namespace, key));
  }

  sessionState<State>(codec: StateCodec<State>): void {
    this.stateCodec = codec as StateCodec;
  }

  onTakeOver(judge: TakeOverJudge): void {
    this.undo.push(this.services.takeOvers.judges.register(this.module, this.hostType, judge));
  }

  onRevocation(handler: (jid: Jid) => Promise<unknown>): void {
    this.undo.push(this.services.revocations.on(this.hostType, handler));
  }

  onAnnouncement(handler: (content: unknown) => void, module = this.module): void {
    this.undo.push(
      this.services.notices.onAnnouncement(module, (content) => this.guarded(() => handler(content))),
    );
  }
}
