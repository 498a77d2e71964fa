import { describe, expect, it } from 'vitest';
import { IpAccess, parseNetwork } from '../../../src/modules/mod-register/ip-access.ts';

describe('parseNetwork', () => {
  it.each([
    ['192.0.2.1', { address: '192.0.2.1', prefix: 32, family: 'ipv4' }],
    ['192.0.2.0/24', { address: '192.0.2.0', prefix: 24, family: 'ipv4' }],
    ['0.0.0.0/0', { address: '0.0.0.0', prefix: 0, family: 'ipv4' }],
    ['2001:db8::/32', { address: '2001:db8::', prefix: 32, family: 'ipv6' }],
    ['::1', { address: '::1', prefix: 128, family: 'ipv6' }],
    ['::ffff:192.0.2.0/120', { address: '192.0.2.0', prefix: 24, family: 'ipv4' }],
  ])('reads %s', (text, expected) => {
    expect(parseNetwork(text)).toEqual(expected);
  });

  it.each([
    '',
    'localhost',
    '192.0.2',
    '192.0.2.1/',
    '192.0.2.1/33',
    '::/129',
    '::/-1',
    '192.0.2.1/1e1',
    '/8',
  ])('refuses %j', (text) => {
    expect(parseNetwork(text)).toBeUndefined();
  });
});

describe('IpAccess', () => {
  const access = (...rules: [address: string, policy: 'allow' | 'deny'][]): IpAccess =>
    new IpAccess(rules.map(([address, policy]) => ({ address, policy })));

  it('allows where no rule has the address', () => {
    expect(access().isAllowed('192.0.2.1')).toBe(true);
    expect(access(['198.51.100.0/24', 'deny']).isAllowed('192.0.2.1')).toBe(true);
  });

  it('takes the first rule that has it', () => {
    const rules = access(['192.0.2.7', 'allow'], ['192.0.2.0/24', 'deny'], ['0.0.0.0/0', 'allow']);
    expect(['192.0.2.7', '192.0.2.8', '192.0.3.1'].map((one) => rules.isAllowed(one))).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('knows an IPv4 address in both notations, and nothing of IPv6 in it', () => {
    expect(access(['192.0.2.0/24', 'deny']).isAllowed('::ffff:192.0.2.1')).toBe(false);
    expect(access(['::ffff:192.0.2.0/120', 'deny']).isAllowed('192.0.2.1')).toBe(false);
    const onlyIpv6 = access(['::/0', 'allow'], ['0.0.0.0/0', 'deny']);
    expect(onlyIpv6.isAllowed('2001:db8::1')).toBe(true);
    expect(onlyIpv6.isAllowed('192.0.2.1')).toBe(false);
    expect(onlyIpv6.isAllowed('::ffff:192.0.2.1')).toBe(false);
  });
});
