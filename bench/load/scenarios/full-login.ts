import { createHmac } from 'node:crypto';
import { accountName, BENCH_PASSWORD, CONTACTS } from '../../lib/accounts.ts';
import { atATime } from '../at-a-time.ts';
import { Peer, streamHeader } from '../peer.ts';
import { counted, type Scenario } from '../scenario.ts';
import { ScramClient } from '../scram.ts';

const AT_A_TIME = 16;
const ACCOUNTS = 200;
/** None of the accounts used is a contact of another one: presence is heard by nobody but the client itself. */
const APART = CONTACTS / 2 + 1;
/** Accounts that there must be for this. */
export const FULL_LOGIN_ACCOUNTS = ACCOUNTS * APART;

const NS_SASL2 = 'urn:xmpp:sasl:2';
const NS_SM = 'urn:xmpp:sm:3';
const NS_FAST = 'urn:xmpp:fast:0';
const TOKEN_MECHANISM = 'HT-SHA-256-NONE';
const CARBONS = "<enable xmlns='urn:xmpp:carbons:2'/>";
const ENABLE = `<enable xmlns='${NS_SM}' resume='true'/>`;
const BIND2 = `<bind xmlns='urn:xmpp:bind:0'><tag>bench</tag>${CARBONS}${ENABLE}</bind>`;
/** What a client says and asks for as soon as it is in its session. */
const FIRST_STANZAS =
  "<active xmlns='urn:xmpp:csi:0'/>" +
  "<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>" +
  "<iq type='get' id='disco' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>" +
  '<presence><priority>1</priority></presence>';

/** Takes a connected peer to where a client is ready. Returns what has come in the last round trip, and all that had to be switched on before. */
type Login = (peer: Peer, n: number) => Promise<string>;

/** RFC 6120: SCRAM, a stream opened anew, binding; then what is to be switched on together with the first requests. Six round trips inside TLS. */
const classic: Login = async (peer, n) => {
  await peer.authenticate('localhost', 'SCRAM-SHA-1');
  await peer.bind(`r${n}`);
  const carbons = `<iq type='set' id='carbons'>${CARBONS}</iq>`;
  return await peer.ask(`${ENABLE}${carbons}${FIRST_STANZAS}`, (text) => {
    return isReady(text) && text.includes('<enabled') && text.includes("id='carbons'");
  });
};

/** XEP-0388 with XEP-0386: SCRAM and the session with all that is switched on in one exchange. Three round trips. */
const modern: Login = async (peer) => {
  const scram = new ScramClient(accountName(peer.number), BENCH_PASSWORD);
  const request = authenticate(peer.number, 'SCRAM-SHA-1', scram.first(), BIND2);
  const answer = await peer.ask(`${streamHeader('localhost')}${request}`, '</challenge>');
  const challenge = /<challenge[^>]*>([^<]*)</.exec(answer)![1]!;
  const response = `<response xmlns='${NS_SASL2}'>${scram.final(challenge)}</response>`;
  const success = await peer.ask(response, '</stream:features>');
  return success + (await peer.ask(FIRST_STANZAS, isReady));
};

/** The same with a token (XEP-0484): everything goes out at once, and comes back at once. */
const withToken: Login = async (peer) => {
  const { number } = peer;
  const token = tokens.get(number)!;
  const proof = createHmac('sha256', token).update('Initiator').digest();
  const initial = Buffer.concat([Buffer.from(`${accountName(number)}\0`), proof]).toString('base64');
  const request = authenticate(number, TOKEN_MECHANISM, initial, `<fast xmlns='${NS_FAST}'/>${BIND2}`);
  return await peer.ask(`${streamHeader('localhost')}${request}${FIRST_STANZAS}`, isReady);
};

/** By number of the account. */
const tokens = new Map<number, string>();

async function fetchToken(number: number, port: number): Promise<void> {
  const peer = Peer.connect(number, port, 'tls');
  const credentials = Buffer.from(`\0${accountName(number)}\0${BENCH_PASSWORD}`).toString('base64');
  const wanted = `<request-token xmlns='${NS_FAST}' mechanism='${TOKEN_MECHANISM}'/>`;
  const request = authenticate(number, 'PLAIN', credentials, wanted);
  const answer = await peer.ask(`${streamHeader('localhost')}${request}`, '</success>');
  tokens.set(number, / token='([^']*)'/.exec(answer)![1]!);
  peer.close();
}

/** `<authenticate/>` of the one installation that each account has. */
function authenticate(number: number, mechanism: string, initial: string, inside: string): string {
  const agent = `<user-agent id='d4565fa7-4d72-4749-b3d3-${String(number).padStart(12, '0')}'/>`;
  const response = `<initial-response>${initial}</initial-response>`;
  return `<authenticate xmlns='${NS_SASL2}' mechanism='${mechanism}'>${response}${agent}${inside}</authenticate>`;
}

/** Whether roster, features and the own presence have come. */
function isReady(text: string): boolean {
  return (
    /<iq[^>]* id='roster'.*<\/iq>/s.test(text) &&
    text.includes('</query></iq>', text.indexOf("id='disco'")) &&
    text.includes("id='disco'") &&
    text.includes('</presence>')
  );
}

/** What a login brought that it should not, or failed to bring. */
function mistakes(text: string): number {
  const items = text.split('<item ').length - 1;
  const features = text.split('<feature ').length - 1;
  const isEnabled = text.includes('<enabled ') && !text.includes("type='error'");
  return (items === CONTACTS ? 0 : 1) + (features > 5 ? 0 : 1) + (isEnabled ? 0 : 1);
}

/** Connect, TLS, log in, the session with all that a client switches on, roster, service discovery, presence; close. As many go before those that count. */
function fullLogins(login: Login, needsTokens: boolean): Scenario {
  return async (context) => {
    const accounts = Math.min(context.amount, ACCOUNTS);
    if (needsTokens) await atATime(accounts, AT_A_TIME, (n) => fetchToken(n * APART, context.port));
    let errors = 0;
    const one = async (n: number): Promise<void> => {
      const peer = Peer.connect((n % accounts) * APART, context.port, 'tls');
      errors += mistakes(await login(peer, n));
      await peer.ask('</stream:stream>', '</stream:stream>');
      peer.close();
    };
    await atATime(context.amount, AT_A_TIME, one);
    return await counted(context, async () => {
      await atATime(context.amount, AT_A_TIME, one);
      return { count: context.amount, errors };
    });
  };
}

export const classicFullLogin = fullLogins(classic, false);
export const modernFullLogin = fullLogins(modern, false);
export const tokenFullLogin = fullLogins(withToken, true);
