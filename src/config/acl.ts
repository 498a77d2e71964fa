import type { Jid } from '../xmpp/jid.ts';
import type { AccessValue, AclPattern, HostTypeConfig, PartPattern } from './config.ts';
import { matchesGlob } from './glob.ts';
import { findsRegexp } from './linear-regexp.ts';

/** For whom and where a rule is asked. */
export interface RuleContext {
  /** The domain on whose behalf the rule is checked: the recipient's or the module's, not necessarily the user's. */
  readonly domain: string;
  readonly hostTypeConfig: HostTypeConfig;
  /** Tells whether a domain was added while the server runs. Static ones are known without it. */
  readonly isDynamicDomain?: (domain: string) => boolean;
}

/** The parts of an address that rules look at. */
export type RuleSubject = Pick<Jid, 'local' | 'domain' | 'resource'>;

/**
 * The value that an access rule gives to an address: that of the first clause whose list it is on, `deny` when there is none.
 * The rules `all` (allow) and `none` (deny) always exist. `undefinedRule` is for a rule that the configuration does not have.
 */
export function matchRule(
  rule: string,
  jid: RuleSubject,
  context: RuleContext,
  undefinedRule: AccessValue = 'deny',
): AccessValue {
  if (rule === 'all') return 'allow';
  if (rule === 'none') return 'deny';
  const clauses = context.hostTypeConfig.access.get(rule);
  if (clauses === undefined) return undefinedRule;
  for (const clause of clauses) if (matchAcl(clause.acl, jid, context)) return clause.value;
  return 'deny';
}

/** The number that a rule gives to an address; `otherwise` when there is no such rule or it gives something else. */
export function matchNumber(rule: string, jid: RuleSubject, context: RuleContext, otherwise: number): number {
  const value = matchRule(rule, jid, context, otherwise);
  return typeof value === 'number' ? value : otherwise;
}

/** Whether an address is on an `[acl]` list. A list that does not exist is empty. */
export function matchAcl(name: string, jid: RuleSubject, context: RuleContext): boolean {
  if (name === 'all') return true;
  if (name === 'none') return false;
  const patterns = context.hostTypeConfig.acl.get(name);
  return patterns?.some((pattern) => matchesPattern(pattern, jid, context)) ?? false;
}

function matchesPattern(pattern: AclPattern, jid: RuleSubject, context: RuleContext): boolean {
  return (
    matchesDomains(pattern.match, jid.domain, context) &&
    matchesPart(pattern.user, jid.local) &&
    matchesPart(pattern.server, jid.domain) &&
    matchesPart(pattern.resource, jid.resource)
  );
}

function matchesDomains(match: AclPattern['match'], domain: string, context: RuleContext): boolean {
  if (match === 'all') return true;
  if (match === 'none') return false;
  if (match === 'current_domain') return domain === context.domain;
  return context.hostTypeConfig.hostedDomains.has(domain) || (context.isDynamicDomain?.(domain) ?? false);
}

function matchesPart(pattern: PartPattern | undefined, part: string): boolean {
  if (pattern === undefined) return true;
  if (pattern.exact !== undefined && pattern.exact !== part) return false;
  if (pattern.regexp !== undefined && !findsRegexp(pattern.regexp, part)) return false;
  return pattern.glob === undefined || matchesGlob(pattern.glob, part);
}
