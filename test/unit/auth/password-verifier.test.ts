import { describe, expect, it } from 'vitest';
import { CredentialCache } from '../../../src/auth/credential-cache.ts';
import { Derivations, DerivationsBusy } from '../../../src/auth/derivations.ts';
import { makeCredentials } from '../../../src/auth/derive.ts';
import { PasswordVerifier } from '../../../src/auth/password-verifier.ts';
import type { PasswordTasks } from '../../../src/auth/scram.ts';
import { LocalTasks } from './support.ts';

const KEY = Buffer.alloc(20, 1);

describe('the credential cache', () => {
  it('knows what it was told, and nothing else', () => {
    const cache = new CredentialCache();
    const tag = cache.tag('a', 'u', 'sha', KEY, 'secret');
    expect(cache.has('a', 'u', tag)).toBe(false);
    cache.remember('a', 'u', tag);
    expect(cache.has('a', 'u', cache.tag('a', 'u', 'sha', KEY, 'secret'))).toBe(true);
  });

  it.each([
    ['password', ['a', 'u', 'sha', KEY, 'secreT']],
    ['empty password', ['a', 'u', 'sha', KEY, '']],
    ['stored key', ['a', 'u', 'sha', Buffer.alloc(20, 2), 'secret']],
    ['hash', ['a', 'u', 'sha256', KEY, 'secret']],
    ['user', ['a', 'v', 'sha', KEY, 'secret']],
    ['domain', ['b', 'u', 'sha', KEY, 'secret']],
  ] as const)('refuses another %s', (_what, [domain, user, hash, key, password]) => {
    const cache = new CredentialCache();
    cache.remember('a', 'u', cache.tag('a', 'u', 'sha', KEY, 'secret'));
    expect(cache.has('a', 'u', cache.tag(domain, user, hash, key, password))).toBe(false);
    expect(cache.has(domain, user, cache.tag(domain, user, hash, key, password))).toBe(false);
  });

  it('forgets an account when told to', () => {
    const cache = new CredentialCache();
    const tag = cache.tag('a', 'u', 'sha', KEY, 'secret');
    cache.remember('a', 'u', tag);
    cache.forget('a', 'u');
    expect(cache.has('a', 'u', tag)).toBe(false);
    expect(cache.size).toBe(0);
  });

  it('never grows beyond its limit; the account unused for longest goes', () => {
    const cache = new CredentialCache(3);
    const tag = (user: string) => cache.tag('a', user, 'sha', KEY, 'secret');
    for (const user of ['u1', 'u2', 'u3']) cache.remember('a', user, tag(user));
    expect(cache.has('a', 'u1', tag('u1'))).toBe(true);
    cache.remember('a', 'u4', tag('u4'));
    cache.remember('a', 'u4', tag('u4'));
    expect(cache.size).toBe(3);
    expect(['u1', 'u2', 'u3', 'u4'].map((user) => cache.has('a', user, tag(user)))).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });

  it('can be turned off', () => {
    const cache = new CredentialCache(0);
    cache.remember('a', 'u', KEY);
    expect(cache.size).toBe(0);
  });

  it('makes tags that are worthless in another process', () => {
    const tags = [1, 2].map(() => new CredentialCache().tag('a', 'u', 'sha', KEY, 'secret').toString('hex'));
    expect(tags[0]).not.toBe(tags[1]);
  });
});

/** Tasks that wait until they are told to go on. */
class SlowTasks extends LocalTasks {
  readonly gate = Promise.withResolvers<void>();

  override async derive(...args: Parameters<PasswordTasks['derive']>) {
    await this.gate.promise;
    return super.derive(...args);
  }

  override async makePasswordDetails(...args: Parameters<PasswordTasks['makePasswordDetails']>) {
    await this.gate.promise;
    return super.makePasswordDetails(...args);
  }
}

const SALT = Buffer.alloc(16);

describe('derivations', () => {
  it('runs equal requests once', async () => {
    const tasks = new SlowTasks();
    const derivations = new Derivations(tasks);
    const results = Array.from({ length: 50 }, () => derivations.derive('k', 'pencil', 'sha', SALT, 4096));
    expect(derivations.inFlight).toBe(1);
    tasks.gate.resolve();
    expect(new Set(await Promise.all(results)).size).toBe(1);
    expect(tasks.derivations).toBe(1);
    await derivations.derive('k', 'pencil', 'sha', SALT, 4096);
    expect(tasks.derivations).toBe(2);
  });

  it('refuses more than its limit, and takes new ones when others are done', async () => {
    const tasks = new SlowTasks();
    const derivations = new Derivations(tasks, 2);
    const first = derivations.derive('1', 'pencil', 'sha', SALT, 4096);
    const second = derivations.makePasswordDetails('pencil', ['sha'], 4096);
    await expect(derivations.derive('3', 'pencil', 'sha', SALT, 4096)).rejects.toThrow(DerivationsBusy);
    await expect(derivations.makePasswordDetails('x', ['sha'], 4096)).rejects.toThrow(DerivationsBusy);
    tasks.gate.resolve();
    await Promise.all([first, second]);
    expect(derivations.inFlight).toBe(0);
    await derivations.derive('3', 'pencil', 'sha', SALT, 4096);
  });

  it('gives its place back when the pool fails, at once or later', async () => {
    const broken = {
      derive(): never {
        throw new Error('no pool');
      },
      makePasswordDetails: () => Promise.reject(new Error('no worker')),
    };
    const derivations = new Derivations(broken, 1);
    for (let i = 0; i < 3; i++) {
      await expect(derivations.derive('1', 'x', 'sha', SALT, 4096)).rejects.toThrow('no pool');
      await expect(derivations.makePasswordDetails('x', ['sha'], 4096)).rejects.toThrow('no worker');
    }
    expect(derivations.inFlight).toBe(0);
  });
});

describe('the password verifier', () => {
  const credentials = makeCredentials('pencil', ['sha256', 'sha'], 4096)!;

  it('needs PBKDF2 once for many logins with one password', async () => {
    const tasks = new LocalTasks();
    const verifier = new PasswordVerifier(tasks);
    for (let i = 0; i < 5; i++) expect(await verifier.verify('a', 'u', 'pencil', credentials)).toBe(true);
    expect(tasks.derivations).toBe(1);
    expect(verifier.cachedAccounts).toBe(1);
  });

  it('remembers no wrong password, and lets none drive out the right one', async () => {
    const tasks = new LocalTasks();
    const verifier = new PasswordVerifier(tasks);
    await verifier.verify('a', 'u', 'pencil', credentials);
    for (let i = 0; i < 3; i++) expect(await verifier.verify('a', 'u', 'wrong', credentials)).toBe(false);
    expect(tasks.derivations).toBe(4);
    expect(await verifier.verify('a', 'u', 'pencil', credentials)).toBe(true);
    expect(tasks.derivations).toBe(4);
  });

  it('believes no entry for credentials that were replaced behind its back', async () => {
    const verifier = new PasswordVerifier(new LocalTasks());
    await verifier.verify('a', 'u', 'pencil', credentials);
    const changed = makeCredentials('brush', ['sha'], 4096)!;
    expect(await verifier.verify('a', 'u', 'pencil', changed)).toBe(false);
    expect(await verifier.verify('a', 'u', 'brush', changed)).toBe(true);
  });

  it('lets a hundred equal logins at once share one run', async () => {
    const tasks = new SlowTasks();
    const verifier = new PasswordVerifier(tasks, { derivationsInFlightMax: 1 });
    const logins = Array.from({ length: 100 }, () => verifier.verify('a', 'u', 'pencil', credentials));
    tasks.gate.resolve();
    expect(new Set(await Promise.all(logins))).toEqual(new Set([true]));
    expect(tasks.derivations).toBe(1);
  });

  it('shares no run among different passwords or accounts', async () => {
    const tasks = new LocalTasks();
    const verifier = new PasswordVerifier(tasks);
    const results = await Promise.all([
      verifier.verify('a', 'u', 'pencil', credentials),
      verifier.verify('a', 'u', 'wrong', credentials),
      verifier.verify('a', 'v', 'pencil', makeCredentials('brush', ['sha'], 4096)!),
    ]);
    expect(results).toEqual([true, false, false]);
    expect(tasks.derivations).toBe(3);
  });

  it('has no password for credentials without hashes', async () => {
    const verifier = new PasswordVerifier(new LocalTasks());
    expect(await verifier.verify('a', 'u', 'x', { iterations: 4096, hashes: new Map() })).toBe(false);
  });

  it('compares passwords that are stored as they are', () => {
    const verifier = new PasswordVerifier(new LocalTasks());
    expect(verifier.isSame('a', 'u', 'pencil', 'pencil')).toBe(true);
    expect(verifier.isSame('a', 'u', 'pencil', 'pencil2')).toBe(false);
  });
});
