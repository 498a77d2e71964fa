import type { C2s } from '../c2s/c2s.ts';
import type { C2sParams } from '../hooks/session.ts';

/**
 * A session that can only be looked at: for handlers that are run to explain what they would do. What a module sets as its state is
 * seen by later handlers and forgotten afterwards. (State that a handler changes in place is the module's own affair: such a handler declares
 * `hasEffects`, and is not run.)
 */
export function sessionView(c2s: C2s): C2sParams {
  const states = new Map<number, unknown>();
  return new Proxy<C2sParams>(c2s, {
    get(target, key) {
      if (key === 'moduleState')
        return (slot: number) => (states.has(slot) ? states.get(slot) : target.moduleState(slot));
      if (key === 'setModuleState') return (slot: number, state: unknown) => states.set(slot, state);
      return Reflect.get(target, key, target);
    },
    set: () => false,
    defineProperty: () => false,
    deleteProperty: () => false,
  });
}
