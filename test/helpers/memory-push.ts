import type { PushOperations, PushSubscription } from '../../src/store/operations/push.ts';
import { Removed } from '../../src/store/removed.ts';
import type { OperationTable } from '../../src/store/sqlite/operation-table.ts';

interface Stored extends PushSubscription {
  readonly domain: string;
  readonly username: string;
}

/** Who is told of messages, in the memory driver. */
export function memoryPush(): OperationTable<PushOperations> {
  let all: Stored[] = [];
  const removed = new Removed();
  const remove = (isMeant: (one: Stored) => boolean): number => {
    const before = all.length;
    all = all.filter((one) => !isMeant(one));
    return before - all.length;
  };
  const isOf = (one: Stored, domain: string, username: string): boolean =>
    one.domain === domain && one.username === username;
  return {
    push_enable: (domain, username, subscription, timestamp, nodesMax) => {
      if (removed.covers(domain, username, timestamp)) return 'gone';
      const { service, node } = subscription;
      const own = all.filter((one) => isOf(one, domain, username));
      const known = own.find((one) => one.service === service && one.node === node);
      if (known === undefined && own.length >= nodesMax) return 'full';
      const entry = { ...subscription, domain, username };
      if (known === undefined) all.push(entry);
      else all[all.indexOf(known)] = entry;
      return 'ok';
    },
    push_disable: (domain, username, service, node) =>
      remove(
        (one) =>
          isOf(one, domain, username) && one.service === service && (node === null || one.node === node),
      ),
    push_list: (domain, username) =>
      all
        .filter((one) => isOf(one, domain, username))
        .map(({ service, node, form }) => ({ service, node, form })),
    push_remove_user: (domain, username) => {
      removed.note(domain, username);
      return remove((one) => isOf(one, domain, username));
    },
    push_remove_domain: (domain) => {
      removed.note(domain);
      return remove((one) => one.domain === domain);
    },
  };
}
