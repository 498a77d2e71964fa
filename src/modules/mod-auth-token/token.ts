import { isUtf8 } from 'node:buffer';
import { createHmac } from 'node:crypto';
import { equalSecrets, type Jid, parseJid } from '../module.ts';

/**
 * The form of tokens: fields joined by NUL, the last of them the HMAC-SHA-384 in hex over all before it. In base64 when it is shown.
 *
 * ```
 * access    NUL jid NUL expiry NUL mac
 * refresh   NUL jid NUL expiry NUL sequence number NUL mac
 * provision NUL jid NUL expiry NUL vCard NUL mac
 * ```
 */

/** A token as it reads, its MAC not checked yet. */
export interface Token {
  readonly type: 'access' | 'refresh' | 'provision';
  /** The owner, a bare JID. */
  readonly owner: Jid;
  /** The end, in seconds since the epoch. */
  readonly expires: number;
  /** The sequence number of a refresh token. */
  readonly sequence: number;
  /** The vCard of a provision token, as XML. */
  readonly vcard: string;
  readonly signed: string;
  readonly mac: Buffer;
}

/** Expiry counts the seconds of the Gregorian calendar from the year 0. */
const GREGORIAN_EPOCH_S = 62_167_219_200;
const MAC_HEX = /^[0-9a-f]{96}$/i;
const NUMBER = /^[0-9]{1,15}$/;

/** Makes a token. `extra` is the sequence number of a refresh token. */
export function makeToken(
  type: 'access' | 'refresh',
  owner: Jid,
  expires: number,
  key: Uint8Array,
  extra?: number,
): Buffer {
  const fields = [type, owner.bare, String(expires + GREGORIAN_EPOCH_S)];
  if (extra !== undefined) fields.push(String(extra));
  const signed = fields.join('\0');
  return Buffer.from(`${signed}\0${macOf(signed, key).toString('hex')}`);
}

/** Reads a token. Undefined when it is none. */
export function parseToken(data: Buffer): Token | undefined {
  if (!isUtf8(data)) return undefined;
  const text = data.utf8Slice(0, data.length);
  const fields = text.split('\0');
  const [type, address = '', expiry = '', extra = ''] = fields;
  const mac = fields.at(-1)!;
  if (type !== 'access' && type !== 'refresh' && type !== 'provision') return undefined;
  if (fields.length !== (type === 'access' ? 4 : 5)) return undefined;
  if (!MAC_HEX.test(mac) || !NUMBER.test(expiry)) return undefined;
  if (type === 'refresh' && !NUMBER.test(extra)) return undefined;
  const owner = parseJid(address)?.bareJid;
  if (owner === undefined || owner.local === '') return undefined;
  return {
    type,
    owner,
    expires: Number(expiry) - GREGORIAN_EPOCH_S,
    sequence: type === 'refresh' ? Number(extra) : 0,
    vcard: type === 'provision' ? extra : '',
    signed: text.slice(0, text.length - mac.length - 1),
    mac: Buffer.from(mac, 'hex'),
  };
}

/** Whether a token was signed with the key. */
export function isSigned({ signed, mac }: Token, key: Uint8Array): boolean {
  return equalSecrets(mac, macOf(signed, key));
}

function macOf(signed: string, key: Uint8Array): Buffer {
  return createHmac('sha384', key).update(signed).digest();
}
