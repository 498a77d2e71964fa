import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../../src/auth/account-store.ts';
import { AnonymousMethod, type AnonymousOptions } from '../../../src/auth/anonymous.ts';
import { LocalAnonymousSessions } from '../../../src/auth/anonymous-sessions.ts';
import { ACCOUNT_PAGE_MAX, HostAuth } from '../../../src/auth/auth.ts';
import { type AuthMethod, NO_OBSERVER } from '../../../src/auth/method.ts';
import { ITERATIONS, makeInternal } from './support.ts';

const QUERY = { hash: 'sha', salt: Buffer.alloc(16), iterations: ITERATIONS } as const;

/** Two internal methods, the second under another name, and a host over them. */
function makeTwo(usersPerDomainMax?: number) {
  const first = makeInternal();
  const second = makeInternal();
  const methods: AuthMethod[] = [first.method, Object.assign(second.method, { name: 'second' })];
  const reports: string[] = [];
  const auth = new HostAuth({
    methods,
    ...(usersPerDomainMax !== undefined && { usersPerDomainMax }),
    observer: { ...NO_OBSERVER, failed: (method) => reports.push(method) },
  });
  return { first, second, auth, reports };
}

describe('registration', () => {
  it.each([
    ['null_password', 'juliet', ''],
    ['null_password', 'not a name', ''],
    ['invalid_jid', 'not a name', 'x'],
    ['invalid_jid', '', 'x'],
    ['invalid_jid', 'a@b', 'x'],
    ['invalid_jid', 'x'.repeat(1024), 'x'],
    ['exists', 'romeo', 'x'],
    ['exists', 'ROMEO', 'x'],
    ['not_allowed', 'juliet', '\u00ad'],
  ])('%s: %j with password %j', async (reason, name, password) => {
    const { auth, second } = makeTwo();
    await second.method.tryRegister('a', 'romeo', 'x');
    expect(await auth.tryRegister('a', name, password)).toEqual({ kind: 'refused', reason });
  });

  it('goes to the first method that accepts, under the prepared name', async () => {
    const { auth, first, second } = makeTwo();
    first.method.tryRegister = async () => 'not_allowed';
    expect(await auth.tryRegister('a', 'Juliet', 'x')).toEqual({
      kind: 'registered',
      username: 'juliet',
      method: 'second',
    });
    expect(second.store.accounts.has('a\0juliet')).toBe(true);
  });

  it('keeps to the limit of a domain, over all methods', async () => {
    const { auth, first, second } = makeTwo(2);
    await first.method.tryRegister('a', 'u1', 'x');
    expect((await auth.tryRegister('a', 'u2', 'x')).kind).toBe('registered');
    expect(await auth.tryRegister('a', 'u3', 'x')).toEqual({
      kind: 'refused',
      reason: 'limit_per_domain_exceeded',
    });
    expect((await auth.tryRegister('b', 'u3', 'x')).kind).toBe('registered');
    expect(await auth.count('a')).toBe(2);
    expect(second.store.accounts.size).toBe(0);
  });

  it('rejects when it cannot know whether the name is free', async () => {
    const { auth, first } = makeTwo();
    first.store.isDown = true;
    await expect(auth.tryRegister('a', 'juliet', 'x')).rejects.toThrow(StoreUnavailable);
  });
});

describe('logging in', () => {
  it('asks the methods in order; the first that accepts wins', async () => {
    const { auth, first, second } = makeTwo();
    await first.method.tryRegister('a', 'juliet', 'one');
    await second.method.tryRegister('a', 'juliet', 'two');
    const logins = auth.logins();
    expect(await logins.checkPassword('a', 'juliet', 'one')).toBe('internal');
    expect(await logins.checkPassword('a', 'juliet', 'two')).toBe('second');
    expect(await logins.checkPassword('a', 'juliet', 'three')).toBeUndefined();
    expect((await logins.scramKeys('a', 'juliet', QUERY))?.method).toBe('internal');
    expect(logins.anonymousMethod()).toBeUndefined();
  });

  it('asks only the methods that the listener allows', async () => {
    const { auth, first } = makeTwo();
    await first.method.tryRegister('a', 'juliet', 'one');
    expect(await auth.logins(['second']).checkPassword('a', 'juliet', 'one')).toBeUndefined();
    expect(await auth.logins(['second']).scramKeys('a', 'juliet', QUERY)).toBeUndefined();
    expect(await auth.logins(['internal']).checkPassword('a', 'juliet', 'one')).toBe('internal');
    expect(auth.logins([]).methods).toEqual([]);
  });

  it('accepts although another method is down, but does not say no', async () => {
    const { auth, first, second, reports } = makeTwo();
    await second.method.tryRegister('a', 'juliet', 'two');
    first.store.isDown = true;
    expect(await auth.logins().checkPassword('a', 'juliet', 'two')).toBe('second');
    await expect(auth.logins().checkPassword('a', 'juliet', 'no')).rejects.toThrow(StoreUnavailable);
    await expect(auth.logins().scramKeys('a', 'romeo', QUERY)).rejects.toThrow(StoreUnavailable);
    expect(reports).toEqual(['internal', 'internal', 'internal']);
  });
});

describe('accounts over several methods', () => {
  it('exist when one method has them; an error counts as no', async () => {
    const { auth, first, second } = makeTwo();
    await second.method.tryRegister('a', 'juliet', 'x');
    expect(await auth.doesUserExist('a', 'juliet')).toBe(true);
    expect(await auth.doesUserExist('a', 'romeo')).toBe(false);
    first.store.isDown = true;
    expect(await auth.existence('a', 'juliet')).toBe('yes');
    expect(await auth.existence('a', 'romeo')).toBe('unknown');
    expect(await auth.doesUserExist('a', 'romeo')).toBe(false);
  });

  it('change their password in the first method that has them', async () => {
    const { auth, second } = makeTwo();
    await second.method.tryRegister('a', 'juliet', 'x');
    expect(await auth.setPassword('a', 'juliet', 'y')).toBe('changed');
    expect(await auth.logins().checkPassword('a', 'juliet', 'y')).toBe('second');
    expect(await auth.setPassword('a', 'juliet', '')).toBe('empty_password');
    expect(await auth.setPassword('a', 'romeo', 'y')).toBe('user_not_found');
    expect(await auth.setPassword('a', 'juliet', '\u00ad')).toBe('not_allowed');
  });

  it('are removed from every method, whatever happens in one', async () => {
    const { auth, first, second } = makeTwo();
    for (const { method } of [first, second]) await method.tryRegister('a', 'juliet', 'x');
    expect(await auth.removeUser('a', 'juliet')).toBe(true);
    expect(await auth.count('a')).toBe(0);
    expect(await auth.removeUser('a', 'juliet')).toBe(false);

    await second.method.tryRegister('a', 'juliet', 'x');
    first.store.isDown = true;
    expect(await auth.removeUser('a', 'juliet')).toBe(true);
    await expect(auth.removeUser('a', 'juliet')).rejects.toThrow(StoreUnavailable);
  });

  it('go with their domain', async () => {
    const { auth } = makeTwo();
    await auth.tryRegister('a', 'juliet', 'x');
    await auth.removeDomain('a');
    expect(await auth.count('a')).toBe(0);
  });

  it('are listed page by page, each once, in the order of their bytes', async () => {
    const { auth, first, second } = makeTwo();
    for (const name of ['a', 'c', 'e', '\uff9d', '𐐨']) await first.store.insert('d', name, BLANK);
    for (const name of ['b', 'c', 'd']) await second.store.insert('d', name, BLANK);
    expect(await auth.list('d', { limit: 3 })).toEqual(['a', 'b', 'c']);
    expect(await auth.list('d', { limit: 3, after: 'c' })).toEqual(['d', 'e', '\uff9d']);
    expect(await auth.list('d', { limit: 1, after: 'd' })).toEqual(['e']);
    expect(await auth.list('other', { limit: 1 })).toEqual([]);
  });

  it.each([0, -1, 1.5, Number.NaN, ACCOUNT_PAGE_MAX + 1])('are not listed %d at a time', async (limit) => {
    await expect(makeTwo().auth.list('d', { limit })).rejects.toThrow(RangeError);
  });

  it('are listed a thousand at a time', async () => {
    expect(await makeTwo().auth.list('d', { limit: ACCOUNT_PAGE_MAX })).toEqual([]);
  });
});

const BLANK = { password: '', details: undefined };

/** An internal and an anonymous method. */
function makeAnonymous(changes: Partial<AnonymousOptions> = {}) {
  const internal = makeInternal();
  const anonymous: AnonymousMethod = new AnonymousMethod({
    protocol: 'both',
    allowMultipleConnections: false,
    sessions: new LocalAnonymousSessions(),
    existence: (domain, username) => auth.existence(domain, username),
    ...changes,
  });
  const auth = new HostAuth({ methods: [internal.method, anonymous] });
  return { ...internal, anonymous, auth };
}

describe('the anonymous method', () => {
  it.each([
    ['sasl_anon', true, false],
    ['login_anon', false, true],
    ['both', true, true],
  ] as const)('%s: ANONYMOUS %s, PLAIN %s, never SCRAM', async (protocol, anonymousToo, plainToo) => {
    const { anonymous, auth } = makeAnonymous({ protocol });
    expect(anonymous.supports('anonymous')).toBe(anonymousToo);
    expect(anonymous.supports('plain')).toBe(plainToo);
    expect(anonymous.supports('scram')).toBe(false);
    expect(auth.logins().anonymousMethod()).toBe(anonymousToo ? 'anonymous' : undefined);
    const method = await auth.logins().checkPassword('a', 'visitor', 'anything');
    expect(method).toBe(plainToo ? 'anonymous' : undefined);
    expect(await anonymous.scramKeys()).toBeUndefined();
  });

  it('does not check a password of its own accord when only SASL ANONYMOUS is on', async () => {
    const { anonymous } = makeAnonymous({ protocol: 'sasl_anon' });
    expect(await anonymous.checkPassword('a', 'visitor')).toBe(false);
  });

  it('leaves the names of stored users alone', async () => {
    const { auth } = makeAnonymous();
    await auth.tryRegister('a', 'juliet', 'x');
    expect(await auth.logins().checkPassword('a', 'juliet', 'wrong')).toBeUndefined();
    expect(await auth.logins().checkPassword('a', 'juliet', 'x')).toBe('internal');
  });

  it('refuses when it cannot be sure that a name is free', async () => {
    const { auth, store } = makeAnonymous();
    store.isDown = true;
    await expect(auth.logins().checkPassword('a', 'visitor', 'x')).rejects.toThrow(StoreUnavailable);
    await expect(auth.logins(['anonymous']).checkPassword('a', 'visitor', 'x')).rejects.toThrow();
  });

  it('gives a name to one session at a time', async () => {
    const { auth, anonymous } = makeAnonymous();
    expect(await anonymous.sessionOpened('a', 'visitor', 's1')).toBe(true);
    expect(await auth.logins().checkPassword('a', 'visitor', 'x')).toBeUndefined();
    expect(await anonymous.sessionOpened('a', 'visitor', 's2')).toBe(false);
    expect(await anonymous.sessionClosed('a', 'visitor', 's1')).toBe(true);
    expect(await auth.logins().checkPassword('a', 'visitor', 'x')).toBe('anonymous');
  });

  it('gives it to several if allowed, and tells when the last one goes', async () => {
    const { auth, anonymous } = makeAnonymous({ allowMultipleConnections: true });
    await anonymous.sessionOpened('a', 'visitor', 's1');
    expect(await auth.logins().checkPassword('a', 'visitor', 'x')).toBe('anonymous');
    expect(await anonymous.sessionOpened('a', 'visitor', 's2')).toBe(true);
    expect(await anonymous.sessionClosed('a', 'visitor', 's1')).toBe(false);
    expect(await anonymous.sessionClosed('a', 'visitor', 'unknown')).toBe(false);
    expect(await anonymous.sessionClosed('a', 'visitor', 's2')).toBe(true);
    expect(await anonymous.sessionClosed('a', 'visitor', 's2')).toBe(false);
  });

  it('has users that exist while connected, for those who ask for anonymous ones too', async () => {
    const { auth, anonymous } = makeAnonymous();
    await anonymous.sessionOpened('a', 'visitor', 's1');
    expect(await auth.doesUserExist('a', 'visitor')).toBe(false);
    expect(await auth.doesUserExist('a', 'visitor', 'with_anonymous')).toBe(true);
    await anonymous.sessionClosed('a', 'visitor', 's1');
    expect(await auth.doesUserExist('a', 'visitor', 'with_anonymous')).toBe(false);
  });

  it('registers, changes, removes and lists nobody', async () => {
    const auth = new HostAuth({ methods: [makeAnonymous().anonymous] });
    expect(await auth.tryRegister('a', 'juliet', 'x')).toMatchObject({ reason: 'not_allowed' });
    expect(await auth.setPassword('a', 'juliet', 'x')).toBe('user_not_found');
    expect(await auth.removeUser('a', 'juliet')).toBe(false);
    expect(await auth.list('a', { limit: 10 })).toEqual([]);
    expect(await auth.count('a')).toBe(0);
    await auth.removeDomain('a');
  });
});
