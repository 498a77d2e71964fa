import {
  BerWriter,
  Client,
  ConstraintViolationError,
  type Entry,
  InappropriateAuthError,
  InvalidCredentialsError,
  InvalidDNSyntaxError,
  NoSuchObjectError,
  ResultCodeError,
  type SearchRequest,
} from 'ldapts';
import type { LdapPoolConfig } from '../config/config.ts';
import { Calls, type PoolLog } from './calls.ts';
import { OutgoingError } from './errors.ts';
import { tlsOptions } from './tls.ts';

/** LDAP Password Modify (RFC 3062): the directory hashes the password by its own rules. */
const OID_PASSWORD_MODIFY = '1.3.6.1.4.1.4203.1.11.1';
const PASSWORD_MODIFY_ENTRY = 0x80;
const PASSWORD_MODIFY_NEW = 0x82;
const PAGE_SIZE = 500;

/** Answers to a login that are about whoever logs in: all others are about the directory, and nothing is known then. */
const REFUSALS = [
  InvalidCredentialsError,
  NoSuchObjectError,
  InappropriateAuthError,
  InvalidDNSyntaxError,
  ConstraintViolationError,
] as const;

/** The words of the option, and those of the library. */
const DEREF = { never: 'never', searching: 'search', finding: 'find', always: 'always' } as const;

export interface LdapSearch {
  readonly base: string;
  readonly filter: string;
  readonly attributes: readonly string[];
  /** Those of the attributes whose values are bytes: they come in base64. */
  readonly binary?: readonly string[];
  readonly deref: keyof typeof DEREF;
  readonly entriesMax: number;
}

export interface LdapFound {
  readonly dn: string;
  /** By the attribute's name in lower case. */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

/** A connection with what it needs to be used again. */
interface Link {
  readonly client: Client;
  /** Set for searches, looked at when the library builds one. */
  deref: keyof typeof DEREF;
  /** Whether it speaks for `root_dn` (or for nobody, if there is none): not after somebody tried a password on it, whether it was right or not. */
  isRoot: boolean;
}

/**
 * A few connections to a directory; each does one thing at a time. When one of several servers cannot be reached, the next one is tried.
 * For searches one is logged in as `root_dn`, for checking a password as whoever it is; one pool may serve both.
 */
export class LdapPool {
  readonly #config: LdapPoolConfig;
  readonly #calls: Calls;
  readonly #idle: Link[] = [];
  readonly #open = new Set<Client>();
  /** The server that was reached last. */
  #server = 0;

  constructor(config: LdapPoolConfig, log: PoolLog) {
    this.#config = config;
    this.#calls = new Calls({
      name: config.name,
      activeMax: config.workers,
      waitingMax: config.queueMax,
      timeoutMs: config.callTimeoutMs,
      log,
    });
  }

  /** The entries that a search finds, at most as many as are wanted. */
  search(search: LdapSearch): Promise<readonly LdapFound[]> {
    const { base, filter, attributes, binary = [], deref, entriesMax } = search;
    return this.#asRoot(async (link) => {
      link.deref = deref;
      const options = {
        scope: 'sub' as const,
        filter,
        attributes: [...attributes],
        explicitBufferAttributes: [...binary],
      };
      if (entriesMax <= PAGE_SIZE) {
        const { searchEntries } = await link.client.search(base, { ...options, sizeLimit: entriesMax });
        return searchEntries.map((entry) => foundOf(entry, binary));
      }
      const found: LdapFound[] = [];
      for await (const { searchEntries } of link.client.searchPaginated(base, {
        ...options,
        paged: { pageSize: PAGE_SIZE },
      })) {
        for (const entry of searchEntries) if (found.length < entriesMax) found.push(foundOf(entry, binary));
        if (found.length >= entriesMax) break;
      }
      return found;
    });
  }

  /** Whether the directory takes this name and password. */
  bind(dn: string, password: string): Promise<boolean> {
    return this.#withLink(async (link) => {
      link.isRoot = false;
      try {
        await link.client.bind(dn, password);
        return true;
      } catch (error) {
        if (REFUSALS.some((refusal) => error instanceof refusal)) return false;
        throw error;
      }
    });
  }

  /** Sets the password of an entry. False when the directory says no. */
  setPassword(dn: string, password: string): Promise<boolean> {
    const request = new BerWriter();
    request.startSequence();
    request.writeString(dn, PASSWORD_MODIFY_ENTRY);
    request.writeString(password, PASSWORD_MODIFY_NEW);
    request.endSequence();
    return this.#asRoot(async ({ client }) => {
      try {
        await client.exop(OID_PASSWORD_MODIFY, request.buffer);
        return true;
      } catch (error) {
        if (error instanceof ResultCodeError) return false;
        throw error;
      }
    });
  }

  close(): void {
    this.#calls.close();
    for (const client of this.#open) void client.unbind().catch(ignore);
    this.#open.clear();
    this.#idle.length = 0;
  }

  #asRoot<T>(work: (link: Link) => Promise<T>): Promise<T> {
    const { rootDn, password } = this.#config;
    return this.#withLink(async (link) => {
      if (!link.isRoot) await link.client.bind(rootDn, rootDn === '' ? '' : password);
      link.isRoot = true;
      return await work(link);
    });
  }

  /** Runs `work` on a connection that nobody else uses. What the directory refuses is an answer; all else costs the connection. */
  #withLink<T>(work: (link: Link) => Promise<T>): Promise<T> {
    const { name, servers } = this.#config;
    return this.#calls.run(async (signal) => {
      let problem: unknown;
      for (let attempt = 0; attempt <= servers.length; attempt++) {
        const kept = this.#idle.pop();
        const link = kept ?? this.#connect();
        const drop = (): void => this.#drop(link.client);
        signal.addEventListener('abort', drop, { once: true });
        try {
          const result = await work(link);
          if (this.#open.has(link.client)) this.#idle.push(link);
          return result;
        } catch (error) {
          drop();
          problem = error;
          if (error instanceof ResultCodeError || signal.aborted) break;
          // A connection that lay idle may have been closed meanwhile; a new one that fails speaks for its server.
          if (kept === undefined) this.#server = (this.#server + 1) % servers.length;
        } finally {
          signal.removeEventListener('abort', drop);
        }
      }
      const { code, message } = problem as NodeJS.ErrnoException;
      const why =
        problem instanceof ResultCodeError ? `result ${problem.code}` : (code ?? message.split('\n')[0]!);
      throw new OutgoingError('down', `${name} does not answer: ${why}`);
    });
  }

  #connect(): Link {
    const { servers, port, tls, rootDn, connectTimeoutMs, callTimeoutMs } = this.#config;
    const server = servers[this.#server]!;
    const host = server.includes(':') ? `[${server}]` : server;
    const client = new Client({
      url: `${tls === undefined ? 'ldap' : 'ldaps'}://${host}:${port}`,
      connectTimeout: connectTimeoutMs,
      timeout: callTimeoutMs,
      ...(tls === undefined ? {} : { tlsOptions: tlsOptions(tls) }),
    });
    const link: Link = { client, deref: 'never', isRoot: rootDn === '' };
    passDeref(link);
    this.#open.add(client);
    return link;
  }

  #drop(client: Client): void {
    if (this.#open.delete(client)) void client.unbind().catch(ignore);
  }
}

/** The step of the library between making a search request and sending it. Not documented. */
interface WithSendSearch {
  _sendSearch(request: SearchRequest, ...rest: unknown[]): Promise<unknown>;
}

/** The library declares an option for aliases and forgets it on the way to the request (9.2.0). A test with a real directory watches over this. */
function passDeref(link: Link): void {
  const client = link.client as unknown as WithSendSearch;
  const send = client._sendSearch.bind(link.client);
  client._sendSearch = (request, ...rest) => {
    request.derefAliases = DEREF[link.deref];
    return send(request, ...rest);
  };
}

function foundOf(entry: Entry, binary: readonly string[]): LdapFound {
  const attributes = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(entry)) {
    if (name === 'dn') continue;
    const isBinary = binary.some((one) => one.toLowerCase() === name.toLowerCase());
    const values = Array.isArray(value) ? value : [value];
    attributes.set(
      name.toLowerCase(),
      values.flatMap((one) => (typeof one === 'string' ? one : isBinary ? one.toString('base64') : [])),
    );
  }
  return { dn: entry.dn, attributes };
}

function ignore(): void {}
