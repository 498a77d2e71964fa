import type { C2s } from '../c2s/c2s.ts';
import type { StateCodec } from '../modules/module.ts';
import type { Logger } from '../observe/log.ts';
import type { SessionId } from '../xmpp/session-id.ts';

/** A running module, as far as its state in sessions is concerned. */
export interface StateHolder {
  readonly module: string;
  readonly slot: number;
  readonly stateCodec: StateCodec | undefined;
}

export interface StatesSurroundings {
  /** The running modules of a host type. */
  holders(hostType: string): Iterable<StateHolder>;
  readonly log: Pick<Logger, 'error' | 'debug'>;
}

type Encoded = readonly (readonly [module: string, data: unknown])[];

/** What modules keep in sessions, for a session that moves to another shard. By names: the numbers of modules are each shard's own. */
export class SessionStates {
  readonly #around: StatesSurroundings;

  constructor(around: StatesSurroundings) {
    this.#around = around;
  }

  encode(c2s: C2s): Encoded {
    const states: [string, unknown][] = [];
    this.#forEach(c2s, (holder, state) => {
      const data =
        holder.stateCodec === undefined ? plain(state) : holder.stateCodec.encode(state as never, c2s);
      if (data !== undefined) states.push([holder.module, data]);
      else if (holder.stateCodec === undefined) {
        const { module } = holder;
        this.#around.log.debug(
          { what: 'state_left_behind', module },
          'a module’s state in a session cannot travel',
        );
      }
    });
    return states;
  }

  decode(c2s: C2s, states: Encoded): void {
    const byModule = new Map(states);
    for (const holder of this.#around.holders(c2s.hostType!.name)) {
      c2s.setModuleState(holder.slot, undefined);
      const data = byModule.get(holder.module);
      if (data === undefined) continue;
      this.#guarded(holder, () => {
        const codec = holder.stateCodec;
        c2s.setModuleState(holder.slot, codec === undefined ? data : codec.decode(data, c2s));
      });
    }
  }

  /** What waits in the session for its client becomes part of what the client has not acknowledged. */
  beforeTakeOver(c2s: C2s): void {
    this.#forEach(c2s, ({ stateCodec }, state) => stateCodec?.beforeTakeOver?.(state as never, c2s));
  }

  left(c2s: C2s, to: SessionId): void {
    this.#forEach(c2s, ({ stateCodec }, state) => stateCodec?.left?.(state as never, c2s, to));
  }

  arrived(c2s: C2s): void {
    this.#forEach(c2s, ({ stateCodec }, state) => stateCodec?.arrived?.(state as never, c2s));
  }

  #forEach(c2s: C2s, work: (holder: StateHolder, state: unknown) => void): void {
    for (const holder of this.#around.holders(c2s.hostType!.name)) {
      const state = c2s.moduleState(holder.slot);
      if (state !== undefined) this.#guarded(holder, () => work(holder, state));
    }
  }

  /** A module that fails loses its own state, and nobody else theirs. */
  #guarded({ module }: StateHolder, work: () => void): void {
    try {
      work();
    } catch (cause) {
      this.#around.log.error(
        { err: cause, what: 'state_failed', module },
        'a module’s state in a session did not travel',
      );
    }
  }
}

function plain(state: unknown): unknown {
  return typeof state === 'string' || typeof state === 'number' || typeof state === 'boolean'
    ? state
    : undefined;
}
