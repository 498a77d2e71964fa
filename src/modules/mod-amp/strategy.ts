import {
  type AmpEvent,
  type AmpMatch,
  type AmpRule,
  type AmpStrategy,
  type Jid,
  type ModuleContext,
  NO_PRIVACY_LIST,
  parseStamp,
  type Stanza,
  type Stop,
  stop,
} from '../module.ts';

type Outcome = 'direct' | 'stored' | 'none';

/** What may become of a message at each stage, for a recipient who is there and for one who is not. */
const OUTCOMES: Record<AmpEvent, readonly [online: readonly Outcome[], offline: readonly Outcome[]]> = {
  initial_check: [['direct', 'none'], ['none']],
  archived: [['direct', 'stored'], ['stored']],
  mam_failed: [['direct', 'none'], ['none']],
  offline_failed: [['none'], ['none']],
  // A privacy list keeps it away: nobody stores what its recipient does not want.
  delivery_failed: [['none'], ['none']],
  delivered: [['direct'], ['direct']],
};

/** A message, as far as its fate depends on it. */
interface Message {
  readonly from: Jid;
  readonly to: Jid;
  readonly packet: Stanza;
}

/** Foretells what becomes of a message, from the sessions there are now. Nobody else has a say in it if the recipient's list denies it. */
export async function strategyFor(
  context: ModuleContext<unknown>,
  message: Message,
  event: AmpEvent,
): Promise<AmpStrategy | Stop<AmpStrategy>> {
  const { to, packet } = message;
  const expireAt = new Date(context.timestamp() / 1_000).toISOString();
  if (event === 'delivered') return { deliver: OUTCOMES.delivered[0], matchResource: undefined, expireAt };
  if (event === 'initial_check' && (await isDenied(context, message))) {
    return stop({ deliver: OUTCOMES.delivery_failed[0], matchResource: undefined, expireAt });
  }
  const presence = context.hosts.includes(to.domain)
    ? await userPresence(context, to, packet)
    : { isOnline: isService(context, to.domain), matchResource: undefined };
  const deliver = OUTCOMES[event][presence.isOnline ? 0 : 1];
  return { deliver, matchResource: presence.matchResource, expireAt };
}

/** Whether the recipient's default list denies it: to whoever he has blocked, a user is not there (XEP-0191 §3.3), and rules must not say otherwise. */
async function isDenied(context: ModuleContext<unknown>, { from, to, packet }: Message): Promise<boolean> {
  if (to.local === '' || from.bare === to.bare || !context.hosts.includes(to.domain)) return false;
  const jid = to.bareJid;
  const privacyList = await context.foldHook('privacy_get_user_list', NO_PRIVACY_LIST, { jid });
  const acc = context.accumulator(from, to, packet.element);
  const { name, type } = packet;
  return (await context.checkPrivacy(acc, { jid, privacyList, from, to, name, type, dir: 'in' })) !== 'allow';
}

/** Whether an account would get the message now (RFC 6121 §8.5), and whether its intended resource would. */
async function userPresence(
  context: ModuleContext<unknown>,
  to: Jid,
  { type }: Stanza,
): Promise<{ isOnline: boolean; matchResource: AmpStrategy['matchResource'] }> {
  if (to.local === '') return { isOnline: false, matchResource: undefined };
  const resources = await context.availableResources(to.bareJid);
  const isExact = resources.some((jid) => jid.full === to.full);
  const takesAny = context
    .sessions(to.bareJid)
    .some(({ priority }) => priority !== undefined && priority >= 0);
  const isOnline = isExact || (takesAny && (to.isBare || type === 'chat'));
  return { isOnline, matchResource: isExact ? 'exact' : isOnline ? 'other' : undefined };
}

/** Whether a domain that is no host of users is served here. */
function isService(context: ModuleContext<unknown>, domain: string): boolean {
  return context.knownDomains().some((known) => known.kind !== 'host' && known.domain === domain);
}

/** Whether the condition of a rule is met, may yet be, or will not be. */
export function matchOf({ deliver, matchResource, expireAt }: AmpStrategy, rule: AmpRule): AmpMatch {
  const { condition, value, action } = rule;
  switch (condition) {
    case 'deliver': {
      if (deliver === undefined || !deliver.some((outcome) => outcome === value)) return 'no_match';
      if (deliver.length === 1) return 'match';
      // To tell the sender there is time; what keeps the message from its way acts on what is expected first.
      if (action === 'notify') return 'undecided';
      return deliver[0] === value ? 'match' : 'no_match';
    }
    case 'match-resource':
      if (matchResource === undefined) return 'no_match';
      return value === 'any' || value === matchResource ? 'match' : 'no_match';
    case 'expire-at': {
      const now = parseStamp(expireAt);
      if (now === undefined) return 'no_match';
      return now >= parseStamp(value)! ? 'match' : 'undecided';
    }
    default:
      return 'no_match';
  }
}
