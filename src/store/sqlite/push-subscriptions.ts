import type { PushOperations, PushSubscription } from '../operations/push.ts';
import type { StoreArgs, StoreResult } from '../operations.ts';
import { Removed } from '../removed.ts';
import type { Sqlite } from './database.ts';
import type { OperationTable } from './operation-table.ts';

interface Row {
  readonly service: string;
  readonly node: string;
  readonly form: string | null;
}

type Account = [server: string, username: string];

/** Who is told of messages (XEP-0357). */
export class PushSubscriptions {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #removed = new Removed();

  constructor(db: Sqlite) {
    this.#statements = prepare(db);
  }

  /** What the store offers of this. */
  operations(): OperationTable<PushOperations> {
    return {
      push_enable: (...args) => this.enable(...args),
      push_disable: (...args) => this.disable(...args),
      push_list: (...account) => this.#statements.list.all(...account).map(subscriptionOf),
      push_remove_user: (...account) => {
        this.#removed.note(...account);
        return this.#statements.removeUser.run(...account).changes;
      },
      push_remove_domain: (domain) => {
        this.#removed.note(domain);
        return this.#statements.removeDomain.run(domain).changes;
      },
    };
  }

  enable(
    ...[domain, username, { service, node, form }, timestamp, nodesMax]: StoreArgs<'push_enable'>
  ): StoreResult<'push_enable'> {
    if (this.#removed.covers(domain, username, timestamp)) return 'gone';
    const { others, put } = this.#statements;
    if (others.get(domain, username, service, node)!.count >= nodesMax) return 'full';
    put.run(domain, username, service, node, form === null ? null : JSON.stringify(form), timestamp);
    return 'ok';
  }

  disable(...[domain, username, service, node]: StoreArgs<'push_disable'>): number {
    const { removeNode, removeService } = this.#statements;
    if (node === null) return removeService.run(domain, username, service).changes;
    return removeNode.run(domain, username, service, node).changes;
  }
}

function subscriptionOf({ service, node, form }: Row): PushSubscription {
  return { service, node, form: form === null ? null : (JSON.parse(form) as [string, string][]) };
}

function prepare(db: Sqlite) {
  const account = 'server = ? AND username = ?';
  return {
    list: db.prepare<Account, Row>(
      `SELECT service, node, form FROM push_subscription WHERE ${account} ORDER BY created_at, service, node`,
    ),
    others: db.prepare<[...Account, service: string, node: string], { count: number }>(
      `SELECT count(*) AS count FROM push_subscription WHERE ${account} AND (service, node) <> (?, ?)`,
    ),
    put: db.prepare<[...Account, service: string, node: string, form: string | null, createdAt: number]>(
      `INSERT INTO push_subscription (server, username, service, node, form, created_at) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET form = excluded.form`,
    ),
    removeNode: db.prepare<[...Account, service: string, node: string]>(
      `DELETE FROM push_subscription WHERE ${account} AND service = ? AND node = ?`,
    ),
    removeService: db.prepare<[...Account, service: string]>(
      `DELETE FROM push_subscription WHERE ${account} AND service = ?`,
    ),
    removeUser: db.prepare<Account>(`DELETE FROM push_subscription WHERE ${account}`),
    removeDomain: db.prepare<[server: string]>('DELETE FROM push_subscription WHERE server = ?'),
  };
}
