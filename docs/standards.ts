import type { Xep } from '../src/modules/module.ts';

/** What the server follows without any module, for `docs/xeps.md`; modules declare their own XEPs. */

/** An RFC, and which part of it there is. */
export interface Rfc {
  readonly number: number;
  readonly title: string;
  readonly note: string;
}

export const RFCS: readonly Rfc[] = [
  {
    number: 6120,
    title: 'XMPP: Core',
    note: 'for clients: streams, STARTTLS, SASL, resource binding, stanzas and errors. Not yet: other servers',
  },
  {
    number: 6121,
    title: 'XMPP: Instant Messaging and Presence',
    note: 'rosters (§2), subscriptions (§3), presence (§4) and all rules of delivery (§8)',
  },
  { number: 7622, title: 'XMPP: Address Format', note: '' },
  { number: 8264, title: 'PRECIS framework', note: 'with the tables of the running Unicode version' },
  {
    number: 8265,
    title: 'PRECIS: usernames and passwords',
    note: 'UsernameCaseMapped and OpaqueString, for addresses',
  },
  { number: 5893, title: 'IDNA: right-to-left scripts', note: 'the Bidi rule' },
  {
    number: 3921,
    title: 'XMPP: Instant Messaging (obsolete)',
    note: 'the session request alone is answered, for old clients',
  },
  { number: 4422, title: 'SASL', note: 'with EXTERNAL (appendix A), by certificates of clients' },
  { number: 4616, title: 'SASL PLAIN', note: 'on a listener with TLS only after TLS' },
  { number: 4505, title: 'SASL ANONYMOUS', note: '' },
  {
    number: 5802,
    title: 'SCRAM',
    note: 'SHA-1, and by the same rules SHA-224 to SHA-512; with and without channel binding',
  },
  { number: 7677, title: 'SCRAM-SHA-256', note: '' },
  { number: 4013, title: 'SASLprep', note: 'for passwords' },
  { number: 5929, title: 'Channel bindings for TLS', note: '`tls-server-end-point`' },
  { number: 9266, title: 'Channel bindings for TLS 1.3', note: '`tls-exporter`' },
  { number: 7519, title: 'JSON Web Token', note: 'in place of passwords, signed (RFC 7515)' },
  {
    number: 4511,
    title: 'LDAP',
    note: 'with RFC 4513 (simple logins), 4515 (filters) and 3062 (changing a password)',
  },
  { number: 8996, title: 'Deprecating TLS 1.0 and 1.1', note: 'TLS 1.2 and 1.3 alone are spoken' },
];

/** Extensions in the core. */
export const CORE_XEPS: readonly Xep[] = [
  {
    number: 4,
    version: '2.13.2',
    note: 'forms that tell something in service discovery, and those that modules use',
  },
  { number: 68, version: '1.3.0', note: 'the type of such a form' },
  { number: 82, version: '1.1.1' },
  { number: 86, version: '1.0', note: 'the `code` of errors' },
  { number: 175, version: '1.2' },
  { number: 178, version: '1.2', note: 'between clients and servers' },
  {
    number: 227,
    version: '1.1',
    note: 'export and import of accounts, rosters, requests, vCards, private storage, privacy lists, stored messages and archives',
  },
  { number: 368, version: '1.1.0', note: 'listeners with TLS from the first byte, ALPN `xmpp-client`' },
  { number: 438, version: '0.3.0', note: 'how passwords are kept' },
  { number: 440, version: '1.0.0' },
  { number: 474, version: '0.5.0', note: 'in SCRAM' },
  { number: 478, version: '0.2.0', note: '`max-bytes`' },
];

/** What the specifications are called. */
export const XEP_TITLES: ReadonlyMap<number, string> = new Map([
  [4, 'Data Forms'],
  [12, 'Last Activity'],
  [16, 'Privacy Lists'],
  [22, 'Message Events'],
  [23, 'Message Expiration'],
  [30, 'Service Discovery'],
  [48, 'Bookmarks'],
  [49, 'Private XML Storage'],
  [50, 'Ad-Hoc Commands'],
  [54, 'vcard-temp'],
  [55, 'Jabber Search'],
  [59, 'Result Set Management'],
  [68, 'Field Standardization for Data Forms'],
  [77, 'In-Band Registration'],
  [79, 'Advanced Message Processing'],
  [82, 'XMPP Date and Time Profiles'],
  [83, 'Nested Roster Groups'],
  [85, 'Chat State Notifications'],
  [86, 'Error Condition Mappings'],
  [92, 'Software Version'],
  [115, 'Entity Capabilities'],
  [126, 'Invisibility'],
  [128, 'Service Discovery Extensions'],
  [157, 'Contact Addresses for XMPP Services'],
  [160, 'Best Practices for Handling Offline Messages'],
  [175, 'Best Practices for Use of SASL ANONYMOUS'],
  [178, 'Best Practices for Use of SASL EXTERNAL with Certificates'],
  [191, 'Blocking Command'],
  [198, 'Stream Management'],
  [199, 'XMPP Ping'],
  [202, 'Entity Time'],
  [203, 'Delayed Delivery'],
  [215, 'External Service Discovery'],
  [227, 'Portable Import/Export Format for XMPP-IM Servers'],
  [237, 'Roster Versioning'],
  [279, 'Server IP Check'],
  [280, 'Message Carbons'],
  [297, 'Stanza Forwarding'],
  [300, 'Use of Cryptographic Hash Functions in XMPP'],
  [313, 'Message Archive Management'],
  [333, 'Displayed Markers (DM)'],
  [334, 'Message Processing Hints'],
  [352, 'Client State Indication'],
  [357, 'Push Notifications'],
  [359, 'Unique and Stable Stanza IDs'],
  [368, 'SRV records for XMPP over TLS'],
  [386, 'Bind 2'],
  [388, 'Extensible SASL Profile'],
  [390, 'Entity Capabilities 2.0'],
  [414, 'Cryptographic Hash Function Recommendations for XMPP'],
  [424, 'Message Retraction'],
  [431, 'Full Text Search in MAM'],
  [438, 'Best practices for password hashing and storage'],
  [440, 'SASL Channel-Binding Type Capability'],
  [441, 'Message Archive Management Preferences'],
  [474, 'SASL SCRAM Downgrade Protection'],
  [478, 'Stream Limits Advertisement'],
  [484, 'Fast Authentication Streamlining Tokens'],
]);
