import type { LastActivity, LastOperations } from '../../src/store/operations/last.ts';
import type { PrivateOperations } from '../../src/store/operations/private.ts';
import { VCARD_FIELDS, type VcardOperations } from '../../src/store/operations/vcard.ts';
import type { OperationTable } from '../../src/store/sqlite/operation-table.ts';

/** Tables of single modules for the memory driver. Names are keys of Maps. */

/** Private XML storage. */
export function privateTable(): OperationTable<PrivateOperations> {
  const users = new Map<string, Map<string, string>>();
  const of = (domain: string, username: string): Map<string, string> => {
    const known = users.get(`${username}@${domain}`);
    if (known !== undefined) return known;
    const fresh = new Map<string, string>();
    users.set(`${username}@${domain}`, fresh);
    return fresh;
  };
  return {
    private_get: (domain, username, namespaces) =>
      namespaces.flatMap((name): [string, string][] => {
        const xml = of(domain, username).get(name);
        return xml === undefined ? [] : [[name, xml]];
      }),
    private_set: (domain, username, entries, namespacesMax, bytesMax) => {
      const after = new Map([...of(domain, username), ...entries]);
      const bytes = [...after].reduce((sum, [name, xml]) => sum + Buffer.byteLength(name + xml), 0);
      if (after.size > namespacesMax || bytes > bytesMax) return 'full';
      users.set(`${username}@${domain}`, after);
      return 'stored';
    },
    private_list: (domain, username) =>
      [...of(domain, username)].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    private_remove_user: (domain, username) => {
      const { size } = of(domain, username);
      users.delete(`${username}@${domain}`);
      return size;
    },
    private_remove_domain: (domain) => {
      const gone = [...users].filter(([name]) => name.endsWith(`@${domain}`));
      for (const [name] of gone) users.delete(name);
      return gone.reduce((sum, [, { size }]) => sum + size, 0);
    },
  };
}

/** Last activity. */
export function lastTable(): OperationTable<LastOperations> {
  const users = new Map<string, LastActivity>();
  return {
    last_get: (domain, username) => users.get(`${username}@${domain}`) ?? null,
    last_set: (entries) => {
      for (const [domain, username, timestamp, status] of entries) {
        const name = `${username}@${domain}`;
        if ((users.get(name)?.timestamp ?? 0) <= timestamp) users.set(name, { timestamp, status });
      }
      return null;
    },
    last_replace: (domain, username, timestamp, status) => {
      users.set(`${username}@${domain}`, { timestamp, status });
      return null;
    },
    last_list: (domain, after, limit) =>
      [...users]
        .filter(([name]) => name.endsWith(`@${domain}`))
        .map(([name, { timestamp }]): [string, number] => [name.slice(0, name.indexOf('@')), timestamp])
        .filter(([name]) => Buffer.compare(Buffer.from(name), Buffer.from(after)) > 0)
        .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        .slice(0, limit),
    last_remove_user: (domain, username) => (users.delete(`${username}@${domain}`) ? 1 : 0),
    last_remove_domain: (domain) => {
      const gone = [...users.keys()].filter((name) => name.endsWith(`@${domain}`));
      for (const name of gone) users.delete(name);
      return gone.length;
    },
  };
}

interface Vcard {
  readonly xml: string;
  readonly folded: readonly string[];
  readonly shown: readonly string[];
}

/** vCards. */
export function vcardTable(): OperationTable<VcardOperations> {
  const users = new Map<string, Vcard>();
  return {
    vcard_get: (domain, username) => users.get(`${username}@${domain}`)?.xml ?? null,
    vcard_set: (domain, username, xml, folded, shown) => {
      users.set(`${username}@${domain}`, { xml, folded, shown });
      return null;
    },
    vcard_search: (domain, conditions, limit, looksMax, bytesMax) => {
      let bytes = 0;
      return [...users]
        .filter(([name]) => name.endsWith(`@${domain}`))
        .map(([name, vcard]) => ({ username: name.slice(0, name.indexOf('@')), vcard }))
        .filter(({ username, vcard }) =>
          conditions.every(({ field, value, isPrefix }) => {
            const text = field === 'user' ? username : vcard.folded[VCARD_FIELDS.indexOf(field)]!;
            return text !== '' && (isPrefix ? text.startsWith(value) : text === value);
          }),
        )
        .slice(0, Math.min(limit, looksMax))
        .map(({ username, vcard: { shown } }) => ({ username, shown }))
        .filter(({ shown }) => {
          bytes += JSON.stringify(shown).length;
          return bytes <= bytesMax;
        })
        .sort((a, b) => (a.username < b.username ? -1 : 1));
    },
    vcard_remove_user: (domain, username) => (users.delete(`${username}@${domain}`) ? 1 : 0),
    vcard_remove_domain: (domain) => {
      const gone = [...users.keys()].filter((name) => name.endsWith(`@${domain}`));
      for (const name of gone) users.delete(name);
      return gone.length;
    },
  };
}
