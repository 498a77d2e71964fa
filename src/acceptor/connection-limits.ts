import { isIPv6 } from 'node:net';
import { GenerationCache } from '../util/generation-cache.ts';

/** Limits of one listener; `Infinity` where there is none. */
export interface ConnectionLimitSettings {
  /** Connections of the listener at a time. */
  readonly connectionsMax: number;
  /** Connections of one IPv4 address, or of one IPv6 address, at a time; a /64 may have four times as many. */
  readonly perAddressMax: number;
  /** New connections of one address (or /64) a second; as many may come at once. */
  readonly perSecondMax: number;
}

/** A /64 is what one customer gets: it may have as many connections as four addresses. */
export const PREFIX_FACTOR = 4;

/** Addresses whose rate is remembered. When there are more, those that were quiet for longest are forgotten; that costs nothing per connection. */
export const ADDRESSES_REMEMBERED_MAX = 100_000;

/** Why a connection was not taken. */
export type Refusal = 'total' | 'address' | 'prefix' | 'rate';

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Decides whether a listener takes a connection (threats T13, T21; numbers of docs/security.md). */
export class ConnectionLimits {
  #settings: ConnectionLimitSettings;
  readonly #nowMs: () => number;
  readonly #perAddress = new Map<string, number>();
  readonly #perPrefix = new Map<string, number>();
  readonly #buckets = new GenerationCache<string, Bucket>(ADDRESSES_REMEMBERED_MAX);
  #total = 0;

  constructor(settings: ConnectionLimitSettings, nowMs: () => number) {
    this.#settings = settings;
    this.#nowMs = nowMs;
  }

  get total(): number {
    return this.#total;
  }

  /** Addresses (and /64) whose rate is remembered. */
  get rememberedAddresses(): number {
    return this.#buckets.size;
  }

  /** Other limits count from the next connection on; those there are stay. */
  change(settings: ConnectionLimitSettings): void {
    this.#settings = settings;
  }

  /** Counts a new connection, or says why it is refused. What was counted is given back with {@link release}. */
  admit(address: string): Refusal | undefined {
    const { connectionsMax, perAddressMax } = this.#settings;
    const prefix = prefixOf(address);
    if (this.#total >= connectionsMax) return 'total';
    if ((this.#perAddress.get(address) ?? 0) >= perAddressMax) return 'address';
    if (prefix !== undefined && (this.#perPrefix.get(prefix) ?? 0) >= perAddressMax * PREFIX_FACTOR)
      return 'prefix';
    if (!this.#takeToken(prefix ?? address)) return 'rate';
    this.#total++;
    add(this.#perAddress, address, 1);
    if (prefix !== undefined) add(this.#perPrefix, prefix, 1);
    return undefined;
  }

  /** A connection has ended. */
  release(address: string): void {
    const prefix = prefixOf(address);
    this.#total--;
    add(this.#perAddress, address, -1);
    if (prefix !== undefined) add(this.#perPrefix, prefix, -1);
  }

  #takeToken(key: string): boolean {
    const rate = this.#settings.perSecondMax;
    if (rate === Number.POSITIVE_INFINITY) return true;
    const now = this.#nowMs();
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      this.#buckets.set(key, { tokens: rate - 1, atMs: now });
      return true;
    }
    bucket.tokens = Math.min(rate, bucket.tokens + ((now - bucket.atMs) * rate) / 1000);
    bucket.atMs = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }
}

function add(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}

/** The /64 of an IPv6 address; undefined for IPv4 (also when written as `::ffff:a.b.c.d`). */
export function prefixOf(address: string): string | undefined {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return undefined;
  const plain = address.split('%')[0]!;
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...new Array<string>(Math.max(0, missing)).fill('0'), ...right];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
