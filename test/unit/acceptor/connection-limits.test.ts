import { beforeEach, describe, expect, it } from 'vitest';
import {
  ADDRESSES_REMEMBERED_MAX,
  type ConnectionLimitSettings,
  ConnectionLimits,
  PREFIX_FACTOR,
  prefixOf,
} from '../../../src/acceptor/connection-limits.ts';

const NONE: ConnectionLimitSettings = {
  connectionsMax: Number.POSITIVE_INFINITY,
  perAddressMax: Number.POSITIVE_INFINITY,
  perSecondMax: Number.POSITIVE_INFINITY,
};

let nowMs: number;

beforeEach(() => {
  nowMs = 5_000;
});

function limits(settings: Partial<ConnectionLimitSettings>): ConnectionLimits {
  return new ConnectionLimits({ ...NONE, ...settings }, () => nowMs);
}

/** How many of `count` connections are let in. */
function admitted(target: ConnectionLimits, address: string, count: number): number {
  let taken = 0;
  for (let i = 0; i < count; i++) if (target.admit(address) === undefined) taken++;
  return taken;
}

describe('limits of a listener (T13, T21)', () => {
  it('let everybody in when there are none', () => {
    expect(admitted(limits({}), '192.0.2.1', 5_000)).toBe(5_000);
  });

  it('hold for all connections together, and one that ends makes room', () => {
    const all = limits({ connectionsMax: 3 });
    expect(admitted(all, '192.0.2.1', 2)).toBe(2);
    expect(admitted(all, '192.0.2.2', 2)).toBe(1);
    expect(all.admit('192.0.2.3')).toBe('total');
    expect(all.total).toBe(3);
    all.release('192.0.2.1');
    expect(all.admit('192.0.2.3')).toBeUndefined();
    expect(all.admit('192.0.2.3')).toBe('total');
  });

  it('hold for each address, without touching others', () => {
    const each = limits({ perAddressMax: 2 });
    expect(admitted(each, '192.0.2.1', 5)).toBe(2);
    expect(each.admit('192.0.2.1')).toBe('address');
    expect(admitted(each, '192.0.2.2', 5)).toBe(2);
    each.release('192.0.2.1');
    expect(each.admit('192.0.2.1')).toBeUndefined();
    expect(each.admit('192.0.2.1')).toBe('address');
  });

  it('give a /64 as many connections as four addresses, however they are written', () => {
    const each = limits({ perAddressMax: 2 });
    let taken = 0;
    for (let host = 1; host <= 10; host++) taken += admitted(each, `2001:db8:0:1::${host}`, 2);
    expect(taken).toBe(2 * PREFIX_FACTOR);
    expect(each.admit('2001:db8:0:1:ffff:ffff:ffff:ffff')).toBe('prefix');
    expect(each.admit('2001:db8::1:0:0:0:99')).toBe('prefix');
    expect(each.admit('2001:db8:0:2::1')).toBeUndefined();
    each.release('2001:db8:0:1::1');
    expect(each.admit('2001:db8:0:1::99')).toBeUndefined();
  });

  it('let an address begin so many connections a second, and save up no more than that', () => {
    const rate = limits({ perSecondMax: 10 });
    expect(admitted(rate, '192.0.2.1', 30)).toBe(10);
    expect(rate.admit('192.0.2.1')).toBe('rate');
    expect(admitted(rate, '192.0.2.2', 30)).toBe(10);
    nowMs += 300;
    expect(admitted(rate, '192.0.2.1', 30)).toBe(3);
    nowMs += 60_000;
    expect(admitted(rate, '192.0.2.1', 30)).toBe(10);
  });

  it('count the rate of IPv6 by the /64: a customer has as many addresses as wanted', () => {
    const rate = limits({ perSecondMax: 10 });
    let taken = 0;
    for (let host = 1; host <= 100; host++) taken += admitted(rate, `2001:db8:0:1::${host}`, 1);
    expect(taken).toBe(10);
    expect(rate.admit('2001:db8:0:2::1')).toBeUndefined();
  });

  it('refused connections are not counted: they hold nothing up', () => {
    const each = limits({ connectionsMax: 2, perAddressMax: 1 });
    each.admit('192.0.2.1');
    for (let i = 0; i < 100; i++) expect(each.admit('192.0.2.1')).toBe('address');
    expect(each.total).toBe(1);
    each.release('192.0.2.1');
    expect(each.total).toBe(0);
    expect(each.admit('192.0.2.1')).toBeUndefined();
  });

  it('remember a bounded number of addresses, those that came last: even when a flood comes from that many', () => {
    const rate = limits({ perSecondMax: 2 });
    for (let n = 0; n < 2 * ADDRESSES_REMEMBERED_MAX; n++) {
      rate.admit(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
      // One that keeps coming is not forgotten over it.
      if (n % 1_000 === 0) rate.admit('203.0.113.1');
    }
    expect(rate.rememberedAddresses).toBeLessThanOrEqual(ADDRESSES_REMEMBERED_MAX);
    expect(rate.admit('203.0.113.1')).toBe('rate');
    expect(rate.admit('198.51.100.7')).toBeUndefined();
  });

  it('can be changed while connections are there: those stay, new ones are judged anew', () => {
    const all = limits({ connectionsMax: 5 });
    expect(admitted(all, '192.0.2.1', 5)).toBe(5);
    all.change({ ...NONE, connectionsMax: 2 });
    expect(all.total).toBe(5);
    expect(all.admit('192.0.2.1')).toBe('total');
    for (let i = 0; i < 4; i++) all.release('192.0.2.1');
    expect(admitted(all, '192.0.2.1', 5)).toBe(1);
  });
});

describe('the /64 of an address', () => {
  it.each([
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:0db8:0000:0001:0:0:0:1', '2001:db8:0:1'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['2001:DB8:A:B::', '2001:db8:a:b'],
    ['1:2:3:4:5:6:7::', '1:2:3:4'],
    ['192.0.2.1', undefined],
    ['::ffff:192.0.2.1', undefined],
  ])('of %s is %s', (address, prefix) => {
    expect(prefixOf(address)).toBe(prefix);
  });
});
