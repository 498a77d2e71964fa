import type { Accumulator } from '../hooks/accumulator.ts';
import type { C2sParams } from '../hooks/session.ts';
import type { Stanza } from '../xmpp/stanza.ts';

/**
 * Whether a session is being sent something that only its own account may send it: there are clients that believe anybody (as RFC 6121 §2.1.6 says of
 * rosters; threat T36). `names`: what the payload may be called, ASCII. Most requests have none of them, and no tree is made to find that out.
 */
export function isForgedPush(
  acc: Accumulator,
  { jid }: C2sParams,
  namespace: string,
  names: readonly string[],
): boolean {
  const stanza = acc.stanza!;
  if (stanza.type !== 'set' || acc.from.full === jid!.bare) return false;
  return mayHave(stanza, names) && stanza.element.childOf(namespace) !== undefined;
}

function mayHave(stanza: Stanza, names: readonly string[]): boolean {
  for (const name of names) if (stanza.mayContain(name)) return true;
  return false;
}
