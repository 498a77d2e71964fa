import type { Accumulator } from './accumulator.ts';
import { STOP, type Verdict } from './chain.ts';
import { HOOK_INDEX, type HookParams } from './points.ts';
import { type Hooked, runHook } from './run.ts';
import type { PrivacyDecision } from './values.ts';

/** What is asked: whether a list lets a stanza pass. */
export type PrivacyCheck = HookParams<'privacy_check_packet'>;

interface Remembered {
  readonly check: PrivacyCheck;
  readonly decision: PrivacyDecision;
}

/** The module that knows what the items of a list mean: to an empty list it has nothing to say. */
const OWNER = 'mod_privacy';

/** Questions whose answer is not there yet: those of one accumulator take turns, for the answers come by way of it. */
const asking = new WeakMap<Accumulator, Promise<PrivacyDecision>>();

/**
 * Whether a list lets the stanza of `acc` pass: the hook `privacy_check_packet`. The last answer is remembered in the accumulator, so that one context
 * asks once.
 */
export function checkPrivacy(
  hooked: Hooked | undefined,
  acc: Accumulator,
  check: PrivacyCheck,
): PrivacyDecision | Promise<PrivacyDecision> {
  if (!needsCheck(hooked, check.privacyList.items.length > 0)) return 'allow';
  const known = acc.get<Remembered>('privacy', 'checked');
  if (known !== undefined && isSame(known.check, check)) return known.decision;
  const before = asking.get(acc);
  if (before !== undefined) return before.then(() => checkPrivacy(hooked, acc, check));
  acc.set('hook', 'result', 'allow');
  const verdict = runHook(hooked, 'privacy_check_packet', acc, check);
  if (!(verdict instanceof Promise)) return decide(acc, check, verdict);
  const answer = verdict.then((settled) => {
    asking.delete(acc);
    return decide(acc, check, settled);
  });
  asking.set(acc, answer);
  return answer;
}

/** Whether anybody could deny anything: a list with items can, and so can a handler of somebody else, whatever the list says. */
export function needsCheck(hooked: Hooked | undefined, hasItems: boolean): boolean {
  const chain = hooked?.chains[HOOK_INDEX.privacy_check_packet] ?? null;
  if (chain === null) return false;
  if (hasItems) return true;
  const { entries } = chain;
  for (let i = 0; i < entries.length; i++) if (entries[i]!.module !== OWNER) return true;
  return false;
}

function decide(acc: Accumulator, check: PrivacyCheck, verdict: Verdict): PrivacyDecision {
  const result = acc.get<PrivacyDecision>('hook', 'result') ?? 'deny';
  const decision = result === 'allow' && verdict === STOP ? 'deny' : result;
  acc.set('privacy', 'checked', { check, decision } satisfies Remembered);
  return decision;
}

function isSame(a: PrivacyCheck, b: PrivacyCheck): boolean {
  return (
    a.privacyList === b.privacyList &&
    a.dir === b.dir &&
    a.jid.bare === b.jid.bare &&
    a.from.full === b.from.full &&
    a.to.full === b.to.full &&
    a.name === b.name &&
    a.type === b.type
  );
}
