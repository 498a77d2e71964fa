import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { SCRAM_DIGESTS } from './scram.ts';

/** Files of the shape that other servers write, made of facts about their formats. */

/** The fields of SCRAM (RFC 5802 §3), written from the RFC and sharing no code with the server. */
export function scramKeys(
  password: string,
  bits: keyof typeof SCRAM_DIGESTS,
  iterations: number,
  salt: Buffer,
) {
  const digest = SCRAM_DIGESTS[bits];
  const size = createHash(digest).digest().length;
  const salted = pbkdf2Sync(password, salt, iterations, size, digest);
  const clientKey = createHmac(digest, salted).update('Client Key').digest();
  return {
    mechanism: `SCRAM-SHA-${bits}`,
    iterations,
    salt: salt.toString('base64'),
    storedKey: createHash(digest).update(clientKey).digest('base64'),
    serverKey: createHmac(digest, salted).update('Server Key').digest('base64'),
  };
}

/**
 * One account as Prosody keeps it (one file each): data in the order in which stores were written, keys possibly behind them, requests without a namespace, a
 * version on the roster, properties of the account as attributes of a namespace of its own.
 */
export function prosodyFile(
  user: string,
  host: string,
  password: string,
  contacts: string,
  archive = '',
): string {
  // Its salts are UUIDs as text.
  const salt = Buffer.from('5b3a7c61-93c5-4a7a-8f5c-0d4f1f7e2b11');
  const keys = scramKeys(password, '1', 10_000, salt);
  return `<server-data xmlns='urn:xmpp:pie:0'><host jid='${host}'><user xmlns:ns1='http://prosody.im/protocol/extended-xep0227' ns1:created='1700000000' name='${user}'>
<query xmlns='jabber:iq:roster' version='7'>${contacts}</query>
<presence type='subscribe' from='paris@${host}'/>
<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'><conference jid='orchard@rooms.example' name='The orchard'/></storage></query>
<vCard xmlns='vcard-temp'><FN>${user}</FN><N><GIVEN>${user}</GIVEN></N></vCard>
<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><configure node='urn:xmpp:bookmarks:1'/></pubsub>
<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:bookmarks:1'><item id='a'/></items></pubsub>
<scram-credentials mechanism='SCRAM-SHA-1' xmlns='urn:xmpp:pie:0#scram'><server-key>${keys.serverKey}</server-key><stored-key>${keys.storedKey}</stored-key><iter-count>10000</iter-count><salt>${keys.salt}</salt></scram-credentials>
${archive}</user></host></server-data>`;
}

/** All accounts as ejabberd writes them: a main file that includes one file for each host, no white space, `xi:` declared at the top. */
export function ejabberdFiles(host: string, users: string): Readonly<Record<string, string>> {
  const xi = "xmlns:xi='http://www.w3.org/2001/XInclude'";
  const name = `20260501-120000_${host.replaceAll('.', '_')}.xml`;
  return {
    '20260501-120000.xml': `<?xml version='1.0' encoding='UTF-8'?><server-data xmlns='urn:xmpp:pie:0' ${xi}><xi:include href='${name}'/></server-data>`,
    [name]: `<?xml version='1.0' encoding='UTF-8'?><host xmlns='urn:xmpp:pie:0' ${xi} jid='${host}'>${users}</host>`,
  };
}

/** A user as ejabberd writes it: keys first, then messages, vCard, privacy lists, roster, requests, private storage. */
export function ejabberdUser(user: string, host: string, password: string, contacts: string): string {
  const keys = scramKeys(password, '256', 4_096, Buffer.from('0123456789abcdef'));
  return `<user name='${user}'><scram-credentials xmlns='urn:xmpp:pie:0#scram' mechanism='SCRAM-SHA-256'><iter-count>4096</iter-count><salt>${keys.salt}</salt><server-key>${keys.serverKey}</server-key><stored-key>${keys.storedKey}</stored-key></scram-credentials><offline-messages><message to='${user}@${host}' from='nurse@${host}/hall' type='chat' id='m1' xmlns='jabber:client'><body>First</body><delay stamp='2026-05-01T10:00:00.123456Z' from='${host}' xmlns='urn:xmpp:delay'/></message><message to='${user}@${host}' from='nurse@${host}/hall' type='chat' id='m2' xmlns='jabber:client'><body>Second</body><delay stamp='2026-05-01T10:00:01.000000Z' from='${host}' xmlns='urn:xmpp:delay'/></message></offline-messages><vCard xmlns='vcard-temp'><FN>${user} of ejabberd</FN></vCard><query xmlns='jabber:iq:privacy'><default name='quiet'/><list name='quiet'><item type='jid' value='tybalt@${host}' action='deny' order='1'/><item action='allow' order='2'/></list></query><query xmlns='jabber:iq:roster'>${contacts}</query><presence to='${user}@${host}' from='paris@${host}' type='subscribe' xmlns='jabber:client'><status>Well met</status></presence><query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'><defaultnick>${user}</defaultnick></exodus></query></user>`;
}
