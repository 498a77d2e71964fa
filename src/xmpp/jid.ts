import { escapeValue } from '../xml/writer.ts';
import { prepareDomain, prepareLocalpart, prepareResource } from './precis.ts';

/** RFC 7622 §3.1: no part of an address is longer, in bytes of UTF-8. */
export const JID_PART_BYTES_MAX = 1023;

/** An address whose parts are prepared (RFC 7622). Two JIDs are the same if their `full` strings are. */
export class Jid {
  readonly local: string;
  readonly domain: string;
  readonly resource: string;
  /** `local@domain`, or the domain alone. */
  readonly bare: string;
  /** The whole address. */
  readonly full: string;
  /** The bare address as a Jid; itself when there is no resource. */
  readonly bareJid: Jid;
  /** The 64-bit hashes of `bare` and `full`, once `hashed` (see `sm/jid-hash.ts`). */
  bareLow = 0;
  bareHigh = 0;
  fullLow = 0;
  fullHigh = 0;
  hashed = false;
  /** Bit set of the shards that the last stanza to this address went to; for keeping order (see `sm/delivery-order.ts`). */
  lastShards = 0;
  #wire: string | undefined;

  /** Takes prepared parts; use {@link parseJid} or {@link makeJid} for anything from outside. */
  constructor(local: string, domain: string, resource: string, bareJid?: Jid) {
    this.local = local;
    this.domain = domain;
    this.resource = resource;
    this.bare = bareJid?.bare ?? (local === '' ? domain : `${local}@${domain}`);
    this.full = resource === '' ? this.bare : `${this.bare}/${resource}`;
    this.bareJid = resource === '' ? this : (bareJid ?? new Jid(local, domain, ''));
  }

  get isBare(): boolean {
    return this.resource === '';
  }

  /** The address as the bytes of an attribute value: UTF-8, escaped, in a string of one character per byte. */
  get wire(): string {
    if (this.#wire === undefined) {
      const escaped = escapeValue(this.full);
      this.#wire = isAscii(escaped)
        ? escaped
        : Buffer.from(escaped).latin1Slice(0, Buffer.byteLength(escaped));
    }
    return this.#wire;
  }

  equals(other: Jid): boolean {
    return this === other || this.full === other.full;
  }

  toString(): string {
    return this.full;
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** Localparts, domains and resources that are their own prepared form: lower-case letters, digits and a few signs. */
const PLAIN_LOCAL = /^[a-z0-9._~!#$%*+=?^`{|}()[\];,\\-]+$/;
const PLAIN_DOMAIN = /^(?!xn--)[a-z0-9]+(?:[.-](?!xn--)[a-z0-9]+)*$/;
const PLAIN_RESOURCE = /^[ -~]+$/;

function fits(text: string): boolean {
  return (
    text.length <= JID_PART_BYTES_MAX &&
    (text.length * 3 <= JID_PART_BYTES_MAX || Buffer.byteLength(text) <= JID_PART_BYTES_MAX)
  );
}

function localpart(text: string): string | undefined {
  if (!fits(text)) return undefined;
  const prepared = PLAIN_LOCAL.test(text) ? text : prepareLocalpart(text);
  return prepared !== undefined && fits(prepared) ? prepared : undefined;
}

function domainpart(text: string): string | undefined {
  if (!fits(text)) return undefined;
  const prepared = PLAIN_DOMAIN.test(text) && text.length < 64 ? text : prepareDomain(text);
  return prepared !== undefined && fits(prepared) ? prepared : undefined;
}

function resourcepart(text: string): string | undefined {
  if (!fits(text)) return undefined;
  const prepared = PLAIN_RESOURCE.test(text) ? text : prepareResource(text);
  return prepared !== undefined && fits(prepared) ? prepared : undefined;
}

/** Prepares a resource that a client asked for. Undefined when it is not acceptable. */
export function parseResource(text: string): string | undefined {
  return text === '' ? undefined : resourcepart(text);
}

/** Prepares a domain. Undefined when it is none. */
export function parseDomain(text: string): string | undefined {
  return text === '' ? undefined : domainpart(text);
}

/** Prepares a localpart. Undefined when it is none. */
export function parseLocalpart(text: string): string | undefined {
  return text === '' ? undefined : localpart(text);
}

/** Builds an address from unprepared parts (empty = absent). Undefined when one of them is not acceptable. */
export function makeJid(local: string, domain: string, resource = ''): Jid | undefined {
  const d = parseDomain(domain);
  if (d === undefined) return undefined;
  const l = local === '' ? '' : localpart(local);
  const r = resource === '' ? '' : resourcepart(resource);
  return l === undefined || r === undefined ? undefined : new Jid(l, d, r);
}

/** Parses an address (RFC 7622 §3.1): the first `/` starts the resource, the first `@` before it ends the localpart. */
export function parseJid(text: string): Jid | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  if (slash >= 0 && slash === text.length - 1) return undefined;
  const at = address.indexOf('@');
  if (at === 0) return undefined;
  return makeJid(
    at < 0 ? '' : address.slice(0, at),
    at < 0 ? address : address.slice(at + 1),
    slash < 0 ? '' : text.slice(slash + 1),
  );
}
