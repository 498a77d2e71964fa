import { inbound, isSeen, NO_SUBSCRIPTION, outbound } from '../xmpp/subscription.ts';
import type {
  ContactDetails,
  RosterImport,
  RosterLimits,
  StoredChange,
  StoredContact,
  SubscriptionResult,
  SubscriptionStep,
} from './operations/rosters.ts';

/** One user's roster in a store, as far as changes need it: read and written within one operation. */
export interface RosterRows {
  get(jid: string): StoredContact | null;
  all(): StoredContact[];
  put(contact: StoredContact, now: number): void;
  delete(jid: string): void;
  /** How many contacts are listed, or are not. */
  count(isListed: boolean): number;
  /** Zero for a roster that never changed. */
  version(): number;
  setVersion(version: number): void;
}

/** What a change of a roster does, the same in every store. */

/** RFC 6121 §2.3, §2.4. */
export function setContact(
  rows: RosterRows,
  details: ContactDetails,
  limits: RosterLimits,
  now: number,
  wantsRoster: boolean,
): StoredChange | 'full' {
  const before = rows.get(details.jid);
  if (!before?.isListed && rows.count(true) >= limits.contacts) return 'full';
  const after: StoredContact = {
    ...(before ?? blank(details.jid)),
    name: details.name ?? before?.name ?? '',
    groups: details.groups,
    extra: details.extra,
    isListed: true,
  };
  rows.put(after, now);
  return changed(rows, before, after, now, wantsRoster);
}

/** RFC 6121 §2.5. */
export function removeContact(
  rows: RosterRows,
  jid: string,
  now: number,
  wantsRoster: boolean,
): StoredChange | null {
  const before = rows.get(jid);
  if (!before?.isListed) return null;
  rows.delete(jid);
  return changed(rows, before, null, now, wantsRoster);
}

/** RFC 6121 §3. */
export function stepSubscription(
  rows: RosterRows,
  step: SubscriptionStep,
  limits: RosterLimits,
  now: number,
  wantsRoster: boolean,
): SubscriptionResult | 'full' {
  const before = rows.get(step.jid);
  const isOutbound = step.direction === 'out';
  const next = (isOutbound ? outbound : inbound)(before ?? NO_SUBSCRIPTION, step.type);
  const { isPassedOn } = next;
  const reply = next.reply ?? null;
  if (!next.isChanged) return { isPassedOn, reply, change: null };
  // To ask or to agree makes somebody a contact; a stranger's request does not, nor does declining it.
  const isListed =
    before?.isListed === true || (isOutbound && (step.type === 'subscribe' || step.type === 'subscribed'));
  if (before === null || before.isListed !== isListed) {
    const most = isListed ? limits.contacts : limits.requests;
    if (rows.count(isListed) >= most) return 'full';
  }
  const isAsked = next.state.ask === 'in' || next.state.ask === 'both';
  const isNews = isAsked && step.type === 'subscribe' && !isOutbound;
  const after: StoredContact = {
    ...(before ?? blank(step.jid)),
    ...next.state,
    isListed,
    askMessage: isNews ? step.message : isAsked ? (before?.askMessage ?? '') : '',
  };
  if (isListed || isAsked) rows.put(after, now);
  else rows.delete(step.jid);
  const isTold = isListed && isVisiblyChanged(before, after);
  return { isPassedOn, reply, change: isTold ? changed(rows, before, after, now, wantsRoster) : null };
}

/** Contacts as another server had them: see `roster_import`. */
export function importContacts(
  rows: RosterRows,
  contacts: readonly StoredContact[],
  limits: RosterLimits,
  now: number,
): RosterImport[] {
  return contacts.map((contact) => importContact(rows, contact, limits, now));
}

function importContact(
  rows: RosterRows,
  contact: StoredContact,
  limits: RosterLimits,
  now: number,
): RosterImport {
  const before = rows.get(contact.jid);
  const isAsked = contact.ask === 'in' || contact.ask === 'both';
  if (before?.isListed && contact.isListed && !isSameContact(before, contact)) return outcome('differs');
  const isAskedBefore = before?.ask === 'in' || before?.ask === 'both';
  // Who may see the user's presence already need not ask for it.
  const isAskMoot = isAskedBefore || before?.isApproved === true || isSeen(before?.subscription ?? 'none');
  const isNewAsk = isAsked && !isAskMoot && !isSeen(contact.subscription);
  const isNewContact = contact.isListed && !before?.isListed;
  if (!isNewContact && !isNewAsk) return outcome('known');
  const isListed = contact.isListed || before?.isListed === true;
  const most = isListed ? limits.contacts : limits.requests;
  if (before?.isListed !== isListed && rows.count(isListed) >= most) return outcome('full');
  const base = isNewContact || before === null ? contact : before;
  const isOut = base.ask === 'out' || base.ask === 'both';
  const isIn = isNewAsk || (isAskedBefore && !isSeen(base.subscription));
  const after: StoredContact = {
    ...base,
    ask: isIn ? (isOut ? 'both' : 'in') : isOut ? 'out' : 'none',
    askMessage: isNewAsk ? contact.askMessage : isIn ? (before?.askMessage ?? '') : '',
    isListed,
  };
  rows.put(after, now);
  return { outcome: 'taken', change: isNewContact ? changed(rows, before, after, now, false) : null };
}

function outcome(outcome: RosterImport['outcome']): RosterImport {
  return { outcome, change: null };
}

/** Whether two are the same in all that the user himself has said; requests of the contact are looked at elsewhere. */
function isSameContact(a: StoredContact, b: StoredContact): boolean {
  return (
    a.name === b.name &&
    a.subscription === b.subscription &&
    isAsking(a) === isAsking(b) &&
    a.isApproved === b.isApproved &&
    a.extra === b.extra &&
    a.groups.toSorted().join('\n') === b.groups.toSorted().join('\n')
  );
}

/** That somebody asks is no change that clients see in the roster: they see the request itself. */
function isVisiblyChanged(before: StoredContact | null, after: StoredContact): boolean {
  return (
    !before?.isListed ||
    before.subscription !== after.subscription ||
    before.isApproved !== after.isApproved ||
    isAsking(before) !== isAsking(after)
  );
}

function isAsking({ ask }: StoredContact): boolean {
  return ask === 'out' || ask === 'both';
}

function changed(
  rows: RosterRows,
  before: StoredContact | null,
  after: StoredContact | null,
  now: number,
  wantsRoster: boolean,
): StoredChange {
  const previous = rows.version();
  // It begins with the time, so that a roster that was removed and made anew never has an old version again.
  const version = previous === 0 ? Math.floor(now / 1_000) : previous + 1;
  rows.setVersion(version);
  return { version, previous, before, after, roster: wantsRoster ? rows.all() : null };
}

function blank(jid: string): StoredContact {
  return { jid, name: '', groups: [], askMessage: '', extra: '', isListed: false, ...NO_SUBSCRIPTION };
}
