import { parseJid, parseLocalpart } from '../../xmpp/jid.ts';
import type { CertificateNames } from '../certificate.ts';
import { accountName } from './identity.ts';

/** The ways to find the account that a certificate is for, in the words of `auth.sasl_external`. */
export const EXTERNAL_STRATEGIES = ['standard', 'common_name', 'auth_id', 'module'] as const;
export type ExternalStrategy = (typeof EXTERNAL_STRATEGIES)[number];

/** `auth.sasl_external` and `auth.sasl_external_common_name` */
export interface ExternalRules {
  /** At least one; tried in order until one finds an account. */
  readonly strategies: readonly ExternalStrategy[];
  /** What stands before and after the common name in the username that is made of it. */
  readonly commonNamePrefix: string;
  readonly commonNameSuffix: string;
}

/** The username (prepared) that a certificate and an authorization identity stand for, or why there is none. */
export type ExternalIdentity =
  | { readonly kind: 'account'; readonly username: string }
  | {
      readonly kind: 'refused';
      readonly condition: 'not-authorized' | 'invalid-authzid' | 'temporary-auth-failure';
    };

/** What a client showed, for the strategy `module`. */
export interface ExternalClaim extends CertificateNames {
  /** In DER; TLS has accepted it. */
  readonly certificate: Uint8Array;
  /** Whom the client wants to be, as it said it; undefined when it left that open. */
  readonly authzid: string | undefined;
  readonly domain: string;
}

/** Asks the modules; the username of an answer need not be prepared. */
export type ExternalModules = (claim: ExternalClaim) => ExternalIdentity | Promise<ExternalIdentity>;

const NOT_AUTHORIZED: ExternalIdentity = { kind: 'refused', condition: 'not-authorized' };
const INVALID_AUTHZID: ExternalIdentity = { kind: 'refused', condition: 'invalid-authzid' };

/**
 * Whom the holder of a certificate may be. When no strategy finds an account the answer is that of the last one. Whether the account exists, and takes
 * the certificate, a method says. Rejects when a module does.
 */
export async function externalIdentity(
  rules: ExternalRules,
  claim: ExternalClaim,
  modules: ExternalModules,
): Promise<ExternalIdentity> {
  let answer = NOT_AUTHORIZED;
  for (const strategy of rules.strategies) {
    answer =
      strategy === 'module' ? checked(await modules(claim), claim) : identityBy(strategy, rules, claim);
    if (answer.kind === 'account') return answer;
  }
  return answer;
}

/** Modules may name people as they are written elsewhere; but nobody becomes another one than he asked to be (T22). */
function checked(answer: ExternalIdentity, { authzid, domain }: ExternalClaim): ExternalIdentity {
  if (answer.kind === 'refused') return answer;
  const username = parseLocalpart(answer.username);
  if (username === undefined) return NOT_AUTHORIZED;
  return authzid === undefined || accountName(authzid, domain) === username
    ? account(username)
    : INVALID_AUTHZID;
}

function identityBy(
  strategy: Exclude<ExternalStrategy, 'module'>,
  rules: ExternalRules,
  { xmppAddresses, commonName: name, authzid, domain }: ExternalClaim,
): ExternalIdentity {
  switch (strategy) {
    case 'standard':
      return standard(xmppAddresses, authzid, domain);
    case 'common_name':
      return commonName(rules, name, authzid, domain);
    case 'auth_id':
      return account(authzid === undefined ? undefined : addressOn(authzid, domain));
  }
}

/**
 * By the addresses in the certificate (XEP-0178 §2). One that says whom it is for needs no authorization identity, one with several does. XEP-0178 forbids
 * clients to repeat the only address; those that do so nevertheless mean no harm.
 */
function standard(
  addresses: readonly string[],
  authzid: string | undefined,
  domain: string,
): ExternalIdentity {
  const [first] = addresses;
  if (first === undefined) return NOT_AUTHORIZED;
  if (authzid === undefined)
    return addresses.length > 1 ? INVALID_AUTHZID : account(addressOn(first, domain));
  const wanted = addressOn(authzid, domain);
  const isNamed = wanted !== undefined && addresses.some((address) => addressOn(address, domain) === wanted);
  return isNamed ? account(wanted) : INVALID_AUTHZID;
}

/** By the common name, which says who somebody is but not where: on the domain of the stream. */
function commonName(
  { commonNamePrefix, commonNameSuffix }: ExternalRules,
  name: string | undefined,
  authzid: string | undefined,
  domain: string,
): ExternalIdentity {
  const username =
    name === undefined ? undefined : parseLocalpart(commonNamePrefix + name + commonNameSuffix);
  if (username === undefined) return NOT_AUTHORIZED;
  if (authzid !== undefined && accountName(authzid, domain) !== username) return INVALID_AUTHZID;
  return account(username);
}

/** The localpart of a bare JID on the domain. Undefined for every other text. */
function addressOn(text: string, domain: string): string | undefined {
  const jid = parseJid(text);
  return jid?.isBare === true && jid.local.length > 0 && jid.domain === domain ? jid.local : undefined;
}

function account(username: string | undefined): ExternalIdentity {
  return username === undefined ? NOT_AUTHORIZED : { kind: 'account', username };
}
