import type { InfoForm } from '../module.ts';

const NS_SERVER_INFO = 'http://jabber.org/network/serverinfo';

/** One entry of `server_info`. */
interface ContactInfo {
  readonly name: string;
  readonly urls: readonly string[];
  readonly modules?: readonly string[] | undefined;
}

/** The contact addresses that a module's service shows (XEP-0157); undefined when there are none. */
export function serverInfoForm(entries: readonly ContactInfo[], module: string): InfoForm | undefined {
  const shown = entries.filter(({ modules }) => modules === undefined || modules.includes(module));
  if (shown.length === 0) return undefined;
  const fields = shown.map(({ name, urls }) => ({ name, type: 'list-multi', values: urls }));
  return { ns: NS_SERVER_INFO, fields };
}
