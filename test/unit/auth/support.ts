import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import type { AccountPage, AccountStore, StoredPassword } from '../../../src/auth/account-store.ts';
import { StoreUnavailable } from '../../../src/auth/account-store.ts';
import { HostAuth } from '../../../src/auth/auth.ts';
import { deriveKeys, makePasswordDetails } from '../../../src/auth/derive.ts';
import { InternalMethod, type PasswordPolicy } from '../../../src/auth/internal.ts';
import { PasswordVerifier } from '../../../src/auth/password-verifier.ts';
import type { SaslContext, SaslExchange, SaslHost } from '../../../src/auth/sasl/exchange.ts';
import { createMechanism } from '../../../src/auth/sasl/mechanism.ts';
import { MechanismOffer } from '../../../src/auth/sasl/offer.ts';
import type { SaslResult } from '../../../src/auth/sasl/result.ts';
import { type PasswordTasks, SCRAM_HASHES } from '../../../src/auth/scram.ts';

/** The smallest count that is allowed, to keep tests quick. */
export const ITERATIONS = 4096;

export const POLICY: PasswordPolicy = { format: 'scram', hashes: SCRAM_HASHES, iterations: ITERATIONS };

/** Accounts in a Map. Set `isDown` to make every call reject. */
export class MemoryAccountStore implements AccountStore {
  readonly accounts = new Map<string, StoredPassword>();
  isDown = false;
  gets = 0;

  #key(domain: string, username: string): string {
    if (this.isDown) throw new StoreUnavailable('down');
    return `${domain}\0${username}`;
  }

  async get(domain: string, username: string) {
    this.gets++;
    return this.accounts.get(this.#key(domain, username));
  }

  async exists(domain: string, username: string) {
    return this.accounts.has(this.#key(domain, username));
  }

  async insert(domain: string, username: string, password: StoredPassword) {
    const key = this.#key(domain, username);
    if (this.accounts.has(key)) return false;
    this.accounts.set(key, password);
    return true;
  }

  async update(domain: string, username: string, password: StoredPassword) {
    const key = this.#key(domain, username);
    if (!this.accounts.has(key)) return false;
    this.accounts.set(key, password);
    return true;
  }

  async remove(domain: string, username: string) {
    return this.accounts.delete(this.#key(domain, username));
  }

  async removeDomain(domain: string) {
    for (const key of this.accounts.keys()) {
      if (key.startsWith(this.#key(domain, ''))) this.accounts.delete(key);
    }
  }

  async list(domain: string, page: AccountPage) {
    const prefix = this.#key(domain, '');
    return [...this.accounts.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length))
      .sort(compareBytes)
      .filter((name) => page.after === undefined || compareBytes(name, page.after) > 0)
      .slice(0, page.limit);
  }

  async count(domain: string) {
    const prefix = this.#key(domain, '');
    return [...this.accounts.keys()].filter((key) => key.startsWith(prefix)).length;
  }
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The task pool without threads; counts what it is asked for, and clones results as a pool does. */
export class LocalTasks implements PasswordTasks {
  derivations = 0;

  async derive(...args: Parameters<PasswordTasks['derive']>) {
    this.derivations++;
    return structuredClone(deriveKeys(...args));
  }

  async makePasswordDetails(...args: Parameters<PasswordTasks['makePasswordDetails']>) {
    return makePasswordDetails(...args);
  }
}

/** An internal method and everything under it. */
export function makeInternal(policy: PasswordPolicy = POLICY) {
  const store = new MemoryAccountStore();
  const tasks = new LocalTasks();
  const passwords = new PasswordVerifier(tasks);
  const unreadable: string[] = [];
  const method = new InternalMethod({
    store,
    passwords,
    policy,
    onUnreadable: (domain, username) => unreadable.push(`${username}@${domain}`),
  });
  return { store, tasks, passwords, method, unreadable };
}

/** A host `example.com` where juliet has the password `r0m30myr0m30`, and the facts of its SASL context. */
export async function makeHost(policy: PasswordPolicy = POLICY) {
  const internal = makeInternal(policy);
  const auth = new HostAuth({ methods: [internal.method] });
  await auth.tryRegister('example.com', 'juliet', 'r0m30myr0m30');
  const host: SaslHost = {
    domain: 'example.com',
    logins: auth.logins(),
    decoySecret: Buffer.alloc(32, 7),
    iterations: policy.iterations,
    hasDowngradeProtection: true,
    external: { strategies: ['standard'], commonNamePrefix: '', commonNameSuffix: '' },
    externalModules: () => ({ kind: 'refused', condition: 'not-authorized' }),
  };
  return { ...internal, auth, host };
}

export const ALL_OFFERED = new MechanismOffer(
  [
    ...['512', '384', '256', '224', '1'].flatMap((n) => [`SCRAM-SHA-${n}-PLUS`, `SCRAM-SHA-${n}`]),
    'PLAIN',
    'ANONYMOUS',
  ],
  ['tls-exporter', 'tls-server-end-point'],
);

export const WITHOUT_PLUS = new MechanismOffer(
  ['SCRAM-SHA-512', 'SCRAM-SHA-384', 'SCRAM-SHA-256', 'SCRAM-SHA-224', 'SCRAM-SHA-1', 'PLAIN'],
  [],
);

export const EXPORTED = Buffer.alloc(32, 0xee);
export const END_POINT = Buffer.alloc(32, 0xcc);
export const TLS = { protocol: 'TLSv1.3', exporter: () => EXPORTED, serverEndPoint: END_POINT };

export function start(name: string, host: SaslHost, changes: Partial<SaslContext> = {}): SaslExchange {
  const exchange = createMechanism(name, { host, offer: ALL_OFFERED, tls: TLS, ...changes });
  if ('kind' in exchange) throw new Error(`${name}: ${exchange.condition}`);
  return exchange;
}

export function plainMessage(authzid: string, authcid: string, password: string): Buffer {
  return Buffer.from(`${authzid}\0${authcid}\0${password}`);
}

export interface ClientOptions {
  hash?: string;
  gs2Header?: string;
  /** Channel-binding data after the header in `c=`. */
  binding?: Buffer;
  nonce?: string;
  /** Replaces parts of the final message just before it is signed. */
  final?: (withoutProof: string) => string;
  /** Replaces the proof. */
  proof?: (proof: Buffer) => Buffer;
}

/** A SCRAM client of our own for the tests, written from RFC 5802 §3 and sharing no code with the server. */
export class ScramClient {
  readonly first: Buffer;
  readonly #bare: string;
  readonly #password: string;
  readonly #options: Required<Omit<ClientOptions, 'final' | 'proof'>> & ClientOptions;
  serverSignature = '';

  constructor(username: string, password: string, options: ClientOptions = {}) {
    const binding = options.binding ?? Buffer.alloc(0);
    this.#options = { hash: 'sha1', gs2Header: 'n,,', nonce: 'clientnonce', ...options, binding };
    const escaped = username.replaceAll('=', '=3D').replaceAll(',', '=2C');
    this.#bare = `n=${escaped},r=${this.#options.nonce}`;
    this.#password = password;
    this.first = Buffer.from(this.#options.gs2Header + this.#bare);
  }

  final(serverFirst: Buffer): Buffer {
    const { hash, gs2Header, binding, final, proof } = this.#options;
    const text = serverFirst.toString();
    const attributes = new Map(text.split(',').map((a) => [a[0], a.slice(2)] as const));
    const bytes = createHash(hash).digest().length;
    const salt = Buffer.from(attributes.get('s')!, 'base64');
    const salted = pbkdf2Sync(this.#password, salt, Number(attributes.get('i')), bytes, hash);
    const hmac = (key: Buffer, data: string) => createHmac(hash, key).update(data).digest();
    const clientKey = hmac(salted, 'Client Key');
    const storedKey = createHash(hash).update(clientKey).digest();
    const c = Buffer.concat([Buffer.from(gs2Header), binding]).toString('base64');
    const plain = `c=${c},r=${attributes.get('r')}`;
    const withoutProof = final?.(plain) ?? plain;
    const authMessage = `${this.#bare},${text},${withoutProof}`;
    const signature = hmac(storedKey, authMessage);
    const honest = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!));
    this.serverSignature = hmac(hmac(salted, 'Server Key'), authMessage).toString('base64');
    return Buffer.from(`${withoutProof},p=${(proof?.(honest) ?? honest).toString('base64')}`);
  }
}

/** Runs a whole SCRAM exchange and returns its last result, checking the server's signature on the way. */
export async function scramLogin(exchange: SaslExchange, client: ScramClient): Promise<SaslResult> {
  const challenge = await exchange.step(client.first);
  if (challenge.kind !== 'challenge') return challenge;
  const result = await exchange.step(client.final(challenge.data));
  if (result.kind === 'success' && result.data?.toString() !== `v=${client.serverSignature}`) {
    throw new Error('the server has not proven that it knows the password');
  }
  return result;
}

export function conditionOf(result: { readonly kind: string }): string {
  return 'condition' in result ? String(result.condition) : result.kind;
}
