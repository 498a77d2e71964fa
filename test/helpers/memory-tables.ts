import type { PrivateOperations } from '../../src/store/operations/private.ts';
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
