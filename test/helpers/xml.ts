/** Pieces of XML that tests about streams send. */
import { escapeValue } from '../../src/xml/writer.ts';

export const NS_CLIENT = 'jabber:client';
export const NS_STREAMS = 'http://etherx.jabber.org/streams';
export const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';
export const NS_TLS = 'urn:ietf:params:xml:ns:xmpp-tls';
export const NS_BIND = 'urn:ietf:params:xml:ns:xmpp-bind';
export const NS_SESSION = 'urn:ietf:params:xml:ns:xmpp-session';
export const NS_STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

/** An opening tag: the usual one, with attributes changed or (undefined) left out. */
export function header(changes: Readonly<Record<string, string | undefined>> = {}): string {
  const attributes: Record<string, string | undefined> = {
    to: 'localhost',
    version: '1.0',
    xmlns: NS_CLIENT,
    'xmlns:stream': NS_STREAMS,
    ...changes,
  };
  let tag = "<?xml version='1.0'?><stream:stream";
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) tag += ` ${name}='${escapeValue(value)}'`;
  }
  return `${tag}>`;
}

export function plain(user: string, password = 'secret', authzid = ''): string {
  const data = Buffer.from(`${authzid}\0${user}\0${password}`).toString('base64');
  return auth('PLAIN', data);
}

/** `data` is base64 already. */
export function auth(mechanism: string, data = ''): string {
  return `<auth xmlns='${NS_SASL}' mechanism='${mechanism}'>${data}</auth>`;
}

export function bind(resource?: string, id = 'b'): string {
  const wanted = resource === undefined ? '' : `<resource>${resource}</resource>`;
  return `<iq type='set' id='${id}'><bind xmlns='${NS_BIND}'>${wanted}</bind></iq>`;
}

export const SESSION = `<iq type='set' id='s'><session xmlns='${NS_SESSION}'/></iq>`;
