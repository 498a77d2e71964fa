import type { Ask, Subscription } from '../../xmpp/subscription.ts';
import type { RosterOperations, StoredContact, StoredLists } from '../operations/rosters.ts';
import type { StoreArgs, StoreResult } from '../operations.ts';
import {
  importContacts,
  type RosterRows,
  removeContact,
  setContact,
  stepSubscription,
} from '../roster-changes.ts';
import type { Sqlite } from './database.ts';
import type { OperationTable } from './operation-table.ts';

type Row = [
  jid: string,
  name: string,
  subscription: string,
  ask: string,
  askMessage: string,
  approved: number,
  listed: number,
  groups: string,
  extra: string,
];

type Lists = [both: string | null, from: string | null, to: string | null, requests: number];

const COLUMNS = 'jid, nick, subscription, ask, askmessage, approved, listed, groups, xs';

const SUBSCRIPTIONS: ReadonlyMap<string, Subscription> = new Map([
  ['N', 'none'],
  ['T', 'to'],
  ['F', 'from'],
  ['B', 'both'],
]);
const ASKS: ReadonlyMap<string, Ask> = new Map([
  ['N', 'none'],
  ['I', 'in'],
  ['O', 'out'],
  ['B', 'both'],
]);

/** Rosters (RFC 6121 §2). */
export class Rosters {
  readonly #all;
  readonly #one;
  readonly #put;
  readonly #delete;
  readonly #count;
  readonly #lists;
  readonly #requests;
  readonly #version;
  readonly #setVersion;
  readonly #removeUser;
  readonly #removeUserVersion;
  readonly #removeDomain;
  readonly #removeDomainVersions;

  constructor(db: Sqlite) {
    this.#all = db
      .prepare<[string, string], Row>(
        `SELECT ${COLUMNS} FROM roster_item WHERE server = ? AND username = ? ORDER BY jid`,
      )
      .raw();
    this.#one = db
      .prepare<[string, string, string], Row>(
        `SELECT ${COLUMNS} FROM roster_item WHERE server = ? AND username = ? AND jid = ?`,
      )
      .raw();
    this.#put = db.prepare<[string, string, ...Row, number]>(
      `INSERT INTO roster_item (server, username, ${COLUMNS}, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET nick = excluded.nick, subscription = excluded.subscription, ask = excluded.ask,
         askmessage = excluded.askmessage, approved = excluded.approved, listed = excluded.listed,
         groups = excluded.groups, xs = excluded.xs`,
    );
    this.#delete = db.prepare<[string, string, string]>(
      'DELETE FROM roster_item WHERE server = ? AND username = ? AND jid = ?',
    );
    this.#count = db
      .prepare<[string, string, number], number>(
        'SELECT count(*) FROM roster_item WHERE server = ? AND username = ? AND listed = ?',
      )
      .pluck();
    // One row for the whole roster: with one for each contact, making them took most of the time.
    this.#lists = db
      .prepare<[string, string], Lists>(
        `SELECT group_concat(jid, char(10)) FILTER (WHERE subscription = 'B'),
           group_concat(jid, char(10)) FILTER (WHERE subscription = 'F'),
           group_concat(jid, char(10)) FILTER (WHERE subscription = 'T'),
           count(*) FILTER (WHERE ask IN ('I', 'B'))
         FROM roster_item WHERE server = ? AND username = ?`,
      )
      .raw();
    this.#requests = db
      .prepare<[string, string], [string, string]>(
        `SELECT jid, askmessage FROM roster_item
         WHERE server = ? AND username = ? AND ask IN ('I', 'B') ORDER BY created_at, jid`,
      )
      .raw();
    this.#version = db
      .prepare<[string, string], number>(
        'SELECT version FROM roster_version WHERE server = ? AND username = ?',
      )
      .pluck();
    this.#setVersion = db.prepare<[string, string, number]>(
      'INSERT OR REPLACE INTO roster_version (server, username, version) VALUES (?, ?, ?)',
    );
    this.#removeUser = db.prepare<[string, string]>(
      'DELETE FROM roster_item WHERE server = ? AND username = ?',
    );
    this.#removeUserVersion = db.prepare<[string, string]>(
      'DELETE FROM roster_version WHERE server = ? AND username = ?',
    );
    this.#removeDomain = db.prepare<[string]>('DELETE FROM roster_item WHERE server = ?');
    this.#removeDomainVersions = db.prepare<[string]>('DELETE FROM roster_version WHERE server = ?');
  }

  /** What the store offers of this. */
  operations(): OperationTable<RosterOperations> {
    return {
      roster_get: (...args) => this.get(...args),
      roster_contact: (...args) => this.contact(...args),
      roster_lists: (...args) => this.lists(...args),
      roster_set: (domain, username, details, limits, now, wantsRoster) =>
        setContact(this.#rows(domain, username), details, limits, now, wantsRoster),
      roster_remove: (domain, username, jid, now, wantsRoster) =>
        removeContact(this.#rows(domain, username), jid, now, wantsRoster),
      roster_subscription: (domain, username, step, limits, now, wantsRoster) =>
        stepSubscription(this.#rows(domain, username), step, limits, now, wantsRoster),
      roster_import: (domain, username, contacts, limits, now) =>
        importContacts(this.#rows(domain, username), contacts, limits, now),
      roster_remove_user: (...args) => this.removeUser(...args),
      roster_remove_domain: (...args) => this.removeDomain(...args),
    };
  }

  get(...[domain, username]: StoreArgs<'roster_get'>): StoreResult<'roster_get'> {
    return { version: this.#versionOf(domain, username), contacts: this.#contacts(domain, username) };
  }

  contact(...[domain, username, jid]: StoreArgs<'roster_contact'>): StoredContact | null {
    const row = this.#one.get(domain, username, jid);
    return row === undefined ? null : contactOf(row);
  }

  lists(...[domain, username]: StoreArgs<'roster_lists'>): StoredLists {
    const [both, from, to, requests] = this.#lists.get(domain, username)!;
    return {
      version: this.#versionOf(domain, username),
      both: both ?? '',
      from: from ?? '',
      to: to ?? '',
      requests: requests === 0 ? [] : this.#requests.all(domain, username),
    };
  }

  removeUser(...[domain, username]: StoreArgs<'roster_remove_user'>): StoredContact[] {
    const contacts = this.#contacts(domain, username);
    this.#removeUser.run(domain, username);
    this.#removeUserVersion.run(domain, username);
    return contacts;
  }

  removeDomain(domain: string): number {
    this.#removeDomainVersions.run(domain);
    return this.#removeDomain.run(domain).changes;
  }

  #contacts(domain: string, username: string): StoredContact[] {
    return this.#all.all(domain, username).map(contactOf);
  }

  #versionOf(domain: string, username: string): number {
    return this.#version.get(domain, username) ?? 0;
  }

  #rows(domain: string, username: string): RosterRows {
    return {
      get: (jid) => this.contact(domain, username, jid),
      all: () => this.#contacts(domain, username),
      put: (contact, now) => void this.#put.run(domain, username, ...rowOf(contact), now),
      delete: (jid) => void this.#delete.run(domain, username, jid),
      count: (isListed) => this.#count.get(domain, username, isListed ? 1 : 0)!,
      version: () => this.#versionOf(domain, username),
      setVersion: (version) => void this.#setVersion.run(domain, username, version),
    };
  }
}

function contactOf([
  jid,
  name,
  subscription,
  ask,
  askMessage,
  approved,
  listed,
  groups,
  extra,
]: Row): StoredContact {
  return {
    jid,
    name,
    subscription: SUBSCRIPTIONS.get(subscription)!,
    ask: ASKS.get(ask)!,
    askMessage,
    isApproved: approved === 1,
    isListed: listed === 1,
    groups: JSON.parse(groups) as string[],
    extra,
  };
}

function rowOf(contact: StoredContact): Row {
  return [
    contact.jid,
    contact.name,
    contact.subscription.charAt(0).toUpperCase(),
    contact.ask.charAt(0).toUpperCase(),
    contact.askMessage,
    contact.isApproved ? 1 : 0,
    contact.isListed ? 1 : 0,
    JSON.stringify(contact.groups),
    contact.extra,
  ];
}
