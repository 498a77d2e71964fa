import { NS_PIE, NS_PIE_MAM, NS_PIE_MEERKAT } from '../xmpp/namespaces.ts';

/** Names of the file format of XEP-0227, as both sides of it need them. */

/** Of versions before 1.0, which servers have written for long. */
export const NS_PIE_OLD = 'http://www.xmpp.org/extensions/xep-0227.html#ns';
export const NS_XINCLUDE = 'http://www.w3.org/2001/XInclude';

/** A child of `<user/>`: what it is called. */
export interface PartName {
  readonly name: string;
  readonly ns: string;
}

/** Children of `<user/>` of which each child is an entry of its own. There may be millions in one, so none is ever held as a whole. */
export const CONTAINERS: readonly PartName[] = [
  { name: 'query', ns: 'jabber:iq:roster' },
  { name: 'query', ns: 'jabber:iq:private' },
  { name: 'query', ns: 'jabber:iq:privacy' },
  { name: 'offline-messages', ns: NS_PIE },
  { name: 'archive', ns: NS_PIE_MAM },
];

/** Which module keeps a part, for the report when it does not run. */
export const KEPT_BY: readonly (PartName & { readonly module: string })[] = [
  { name: 'query', ns: 'jabber:iq:roster', module: 'mod_roster' },
  { name: 'presence', ns: 'jabber:client', module: 'mod_roster' },
  { name: 'query', ns: 'jabber:iq:private', module: 'mod_private' },
  { name: 'query', ns: 'jabber:iq:privacy', module: 'mod_privacy' },
  { name: 'vCard', ns: 'vcard-temp', module: 'mod_vcard' },
  { name: 'offline-messages', ns: NS_PIE, module: 'mod_offline' },
  { name: 'archive', ns: NS_PIE_MAM, module: 'mod_mam' },
  { name: 'prefs', ns: 'urn:xmpp:mam:2', module: 'mod_mam' },
  { name: 'last', ns: NS_PIE_MEERKAT, module: 'mod_last' },
];

export function isContainer(name: string, ns: string): boolean {
  return CONTAINERS.some((part) => part.name === name && part.ns === ns);
}

/** A name for people: `query (jabber:iq:roster)`. */
export function describePart({ name, ns }: PartName): string {
  return ns === NS_PIE || ns === '' ? name : `${name} (${ns})`;
}
