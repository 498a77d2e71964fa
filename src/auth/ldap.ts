import { randomBytes } from 'node:crypto';
import { parseLocalpart } from '../xmpp/jid.ts';
import type { AccountPage } from './account-store.ts';
import { ForeignMethod } from './foreign.ts';
import { fillFilter, type LdapUid, userFilter, usernameIn } from './ldap-filter.ts';
import type { MechanismKind } from './sasl/catalogue.ts';

export interface LdapEntry {
  readonly dn: string;
  /** The values of an attribute, by its name in lower case. */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

export interface LdapQuery {
  readonly base: string;
  /** RFC 4515. */
  readonly filter: string;
  readonly attributes: readonly string[];
  /** Those of the attributes whose values are bytes: they come in base64. */
  readonly binary?: readonly string[];
  readonly deref: LdapDeref;
  /** Entries that are wanted at most. */
  readonly entriesMax: number;
}

export type LdapDeref = 'never' | 'always' | 'finding' | 'searching';

/** An LDAP server. Implemented in `outgoing/`; everything rejects when there is no answer. */
export interface LdapDirectory {
  /** All entries below `base` that the filter fits. */
  search(query: LdapQuery): Promise<readonly LdapEntry[]>;
  /** Whether somebody can log in to the directory with this name and password. Never to be called with an empty password. */
  bind(dn: string, password: string): Promise<boolean>;
  /** Sets the password of an entry. False when the directory does not allow it. */
  setPassword(dn: string, password: string): Promise<boolean>;
}

/** `[auth.ldap]` */
export interface LdapOptions {
  readonly base: string;
  /** At least one. */
  readonly uids: readonly LdapUid[];
  readonly filter: string | undefined;
  /** A second search that must find something. */
  readonly dnFilter: { readonly filter: string; readonly attributes: readonly string[] } | undefined;
  /** What the values of an attribute must be, or must not be. */
  readonly localFilter:
    | {
        readonly operation: 'equal' | 'notequal';
        readonly attribute: string;
        readonly values: readonly string[];
      }
    | undefined;
  readonly deref: LdapDeref;
}

/** Entries that a search for one user looks at: more than one that fits is a mistake in the directory, or in the filter. */
const CANDIDATES_MAX = 10;
/** Users that a listing or a count looks at. */
const LISTED_MAX = 10_000;

/** Accounts in an LDAP directory: a user is searched for, and proves the password by logging in to the directory. */
export class LdapMethod extends ForeignMethod {
  readonly name = 'ldap';
  readonly #directory: LdapDirectory;
  readonly #options: LdapOptions;

  constructor(directory: LdapDirectory, options: LdapOptions) {
    super();
    this.#directory = directory;
    this.#options = options;
  }

  supports(kind: MechanismKind): boolean {
    return kind === 'plain' || kind === 'external';
  }

  override async checkPassword(domain: string, username: string, password: string): Promise<boolean> {
    // RFC 4513 §5.1.2: a name with an empty password is an anonymous login, which succeeds.
    if (password.length === 0) return false;
    const entry = await this.#find(domain, username);
    // As much is asked for somebody who does not exist (T25).
    const dn = entry?.dn ?? `cn=${randomBytes(16).toString('hex')},${this.#options.base}`;
    const isRight = await this.#directory.bind(dn, password);
    return isRight && entry !== undefined;
  }

  /** The certificate proves who it is; the directory says that there is such a user. */
  override async acceptsCertificate(domain: string, username: string): Promise<boolean> {
    return await this.doesUserExist(domain, username);
  }

  async doesUserExist(domain: string, username: string): Promise<boolean> {
    return (await this.#find(domain, username)) !== undefined;
  }

  override async setPassword(domain: string, username: string, password: string): Promise<boolean> {
    const entry = await this.#find(domain, username);
    return entry !== undefined && (await this.#directory.setPassword(entry.dn, password));
  }

  override async list(domain: string, page: AccountPage): Promise<readonly string[]> {
    // When an entry was made is not asked for, so a listing of one moment cannot be had.
    const names = await this.#usernames(domain);
    const { after } = page;
    const rest = after === undefined ? names : names.filter((name) => compareBytes(name, after) > 0);
    return rest.slice(0, page.limit);
  }

  override async count(domain: string): Promise<number> {
    return (await this.#usernames(domain)).length;
  }

  /** The one entry of a user. Undefined when there is none, and when there are several: nobody can tell which is meant. */
  async #find(domain: string, username: string): Promise<LdapEntry | undefined> {
    const { base, uids, filter, deref, localFilter, dnFilter } = this.#options;
    const found = await this.#directory.search({
      base,
      filter: userFilter(uids, filter, { username, domain }),
      attributes: this.#wanted([
        ...(localFilter === undefined ? [] : [localFilter.attribute]),
        ...(dnFilter?.attributes ?? []),
      ]),
      deref,
      entriesMax: CANDIDATES_MAX,
    });
    const fitting = found.filter((entry) => this.#isLocallyFitting(entry));
    const [entry] = fitting;
    if (entry === undefined || fitting.length > 1) return undefined;
    return (await this.#isReferredTo(entry, domain, username)) ? entry : undefined;
  }

  #isLocallyFitting(entry: LdapEntry): boolean {
    const { localFilter } = this.#options;
    if (localFilter === undefined) return true;
    const values = (entry.attributes.get(localFilter.attribute.toLowerCase()) ?? []).toSorted();
    const wanted = localFilter.values.toSorted();
    const isSame = values.length === wanted.length && values.every((value, i) => value === wanted[i]);
    return isSame === (localFilter.operation === 'equal');
  }

  /** The search of `dn_filter`, if there is one. */
  async #isReferredTo({ dn, attributes }: LdapEntry, domain: string, username: string): Promise<boolean> {
    const { base, deref, dnFilter } = this.#options;
    if (dnFilter === undefined) return true;
    const others = dnFilter.attributes.map((name) => attributes.get(name.toLowerCase())?.[0] ?? '');
    const filter = fillFilter(dnFilter.filter, { username, domain, dn, others });
    const found = await this.#directory.search({
      base,
      filter,
      attributes: this.#wanted([]),
      deref,
      entriesMax: 1,
    });
    return found.length > 0;
  }

  async #usernames(domain: string): Promise<string[]> {
    const { base, uids, filter, deref, localFilter } = this.#options;
    const found = await this.#directory.search({
      base,
      filter: userFilter(uids, filter, { username: undefined, domain }),
      attributes: [
        ...uids.map(({ attribute }) => attribute),
        ...(localFilter === undefined ? [] : [localFilter.attribute]),
      ],
      deref,
      entriesMax: LISTED_MAX,
    });
    const names = new Set<string>();
    for (const entry of found) {
      if (!this.#isLocallyFitting(entry)) continue;
      for (const uid of uids) {
        for (const value of entry.attributes.get(uid.attribute.toLowerCase()) ?? []) {
          const name = usernameIn(uid, value, domain);
          const username = name === undefined ? undefined : parseLocalpart(name);
          if (username !== undefined) names.add(username);
        }
      }
    }
    return [...names].sort(compareBytes);
  }

  /** Attributes to ask for; without any, the directory is told that none are wanted (RFC 4511 §4.5.1.8). */
  #wanted(attributes: readonly string[]): readonly string[] {
    return attributes.length === 0 ? ['1.1'] : attributes;
  }
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
