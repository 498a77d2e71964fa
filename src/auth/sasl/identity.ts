import { parseJid, parseLocalpart } from '../../xmpp/jid.ts';

/**
 * The account that an authentication identity names on `domain` (prepared): a localpart, or a bare JID of this domain, which some
 * clients send. Undefined when it can be no account here; saying so at once gives nothing away.
 */
export function accountName(authcid: string, domain: string): string | undefined {
  if (!authcid.includes('@')) return parseLocalpart(authcid);
  const jid = parseJid(authcid);
  return jid?.isBare === true && jid.local.length > 0 && jid.domain === domain ? jid.local : undefined;
}

/**
 * Whether an authorization identity names the account that authenticates (T22). RFC 6120 §6.3.8 wants a bare JID, so one with a
 * resource is refused; acting for somebody else is not offered. Letter case and the like do not matter, because addresses are
 * compared as prepared (RFC 7622).
 */
export function isOwnAuthzid(authzid: string, username: string, domain: string): boolean {
  const jid = parseJid(authzid);
  return jid?.isBare === true && jid.local === username && jid.domain === domain;
}
