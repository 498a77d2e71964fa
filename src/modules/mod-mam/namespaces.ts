export { NS_STANZA_IDS } from '../module.ts';

export const NS_MAM_1 = 'urn:xmpp:mam:1';
export const NS_MAM_2 = 'urn:xmpp:mam:2';
/** Both versions that are answered, the newer one first. */
export const NS_MAM = [NS_MAM_2, NS_MAM_1] as const;
export const NS_MAM_EXTENDED = 'urn:xmpp:mam:2#extended';
export const NS_GROUPCHAT_FIELD = 'urn:xmpp:mam:2#groupchat-field';
export const NS_GROUPCHAT_AVAILABLE = 'urn:xmpp:mam:2#groupchat-available';
export const NS_FULL_TEXT = 'urn:xmpp:fulltext:0';
export const NS_FASTEN = 'urn:xmpp:fasten:0';
/** Message retraction as version 0.3 of XEP-0424 has it, and as the present one has. */
export const NS_RETRACT_0 = 'urn:xmpp:message-retract:0';
export const NS_RETRACT_1 = 'urn:xmpp:message-retract:1';
/** The same by the id of the archive. */
export const NS_RETRACT_STANZA_ID = 'urn:esl:message-retract-by-stanza-id:0';
export const NS_VALIDATE = 'http://jabber.org/protocol/xdata-validate';

export function isMamNamespace(ns: string): boolean {
  return ns.startsWith('urn:xmpp:mam:');
}
