import { describe, expect, it } from 'vitest';
import { fillFilter, userFilter, usernameIn } from '../../../src/auth/ldap-filter.ts';

const UID = { attribute: 'uid', format: '%u' };

describe('filters of LDAP (RFC 4515)', () => {
  it('have values filled in, escaped (T64)', () => {
    const values = { username: 'a*(b)\\c\0d', domain: 'example.org', dn: 'cn=x,dc=(y)', others: ['1', '*'] };
    expect(fillFilter('(&(a=%u)(b=%d)(c=%D)(d=%s)(e=%s)(f=%s))', values)).toBe(
      '(&(a=a\\2a\\28b\\29\\5cc\\00d)(b=example.org)(c=cn=x,dc=\\28y\\29)(d=1)(e=\\2a)(f=))',
    );
  });

  it('fill in once: what was filled in is not looked at again', () => {
    expect(fillFilter('(a=%u)', { username: '%d%s%D', domain: 'x' })).toBe('(a=%d%s%D)');
  });

  it('find a user by one or several attributes, and by the filter of the operator', () => {
    const values = { username: 'romeo', domain: 'example.org' };
    expect(userFilter([UID], undefined, values)).toBe('(uid=romeo)');
    const mail = { attribute: 'mail', format: '%u@%d' };
    expect(userFilter([UID, mail], '(ou=%d)', values)).toBe(
      '(&(|(uid=romeo)(mail=romeo@example.org))(ou=example.org))',
    );
  });

  it('find all users', () => {
    expect(
      userFilter([{ attribute: 'mail', format: '%u@x' }], undefined, { username: undefined, domain: 'x' }),
    ).toBe('(mail=*@x)');
  });

  it('give the username back', () => {
    const mail = { attribute: 'mail', format: '%u@%d' };
    expect(usernameIn(mail, 'romeo@example.org', 'example.org')).toBe('romeo');
    expect(usernameIn(mail, 'romeo@example.com', 'example.org')).toBeUndefined();
    expect(usernameIn(mail, '@example.org', 'example.org')).toBeUndefined();
    expect(usernameIn(UID, 'romeo', 'example.org')).toBe('romeo');
  });
});
