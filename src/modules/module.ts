/**
 * All that a module may use: `meerkat/module`. Built-in modules and an operator's own have the same: there is nothing private behind it.
 *
 * A module hangs on hooks and answers requests; it never imports another module, and never sees a socket, a ring or SQL.
 */

/** For the options, so that an operator's module needs no package of its own. */
export { z } from 'zod';
export { equalSecrets } from '../auth/constant-time.ts';
export type { LdapDeref, LdapDirectory, LdapEntry, LdapQuery } from '../auth/ldap.ts';
export { escapeFilterValue, fillFilter, type LdapUid, userFilter, usernameIn } from '../auth/ldap-filter.ts';
export type { ExternalClaim, ExternalIdentity } from '../auth/sasl/external-rules.ts';
export { failure as saslFailure } from '../auth/sasl/result.ts';
export type { Accumulator } from '../hooks/accumulator.ts';
export { Flag, Origin } from '../hooks/accumulator.ts';
export type { Acknowledger } from '../hooks/acknowledger.ts';
export { afterwards, runAfterwards } from '../hooks/afterwards.ts';
export type {
  ArchiveBehaviour,
  ArchiveBorders,
  ArchiveMessage,
  ArchivePage,
  ArchivePrefs,
  ArchiveQuery,
  ArchiveResult,
  ArchiveRow,
  FlatForm,
  InboxEntry,
  MucInboxUpdate,
  PageRequest as ArchivePageRequest,
  PushEventAcc,
  PushedEvent,
  Retraction,
  RoomUser,
} from '../hooks/archive-values.ts';
export { DROP, STOP, type Stop, stop, type Verdict } from '../hooks/chain.ts';
export { type KeptRecord, KeptStanza } from '../hooks/kept-stanza.ts';
export * from '../hooks/login.ts';
export type { Handler, HookName, HookParams } from '../hooks/points.ts';
export { type C2sParams, SessionFlag } from '../hooks/session.ts';
export * from '../hooks/values.ts';
export { EMPTY_RESULT, type IqAnswer, type IqDiscipline, type IqRequest, NO_REPLY } from '../local/iq.ts';
export { type Addressed, addressedWith, wantAddressed } from '../sm/addressed.ts';
export type { SessionRef } from '../sm/session-manager.ts';
export { GatheredWrites } from '../store/gathered-writes.ts';
export type { KeptState } from '../store/kept-state.ts';
export {
  type ArchivedMessage,
  type ArchivedPage,
  type ArchivePageQuery,
  type ArchiveRecord,
  type ArchiveRetraction,
  ArchiveSide,
  type ArchiveSweep,
  type Claimant,
  type ClaimedMessages,
  DIGEST_BYTES,
  type FastToken,
  type FastTokens,
  type ImportedMessage,
  type InboxChange,
  type InboxPlace,
  type InboxProperties,
  type InboxQuery,
  type LastActivity,
  type MarkerCode,
  type MarkerRecord,
  type MarkerScope,
  type MarkerToDeliver,
  type MissedConversation,
  type MissedMarker,
  type OfflineMessage,
  type PrivacyChange,
  type PushSubscription,
  type ReturnedConversation,
  type RosterLimits,
  type StoredArchivePrefs,
  type StoredChange,
  type StoredContact,
  type StoredConversation,
  type StoredMarker,
  type StoredPrivacyItem,
  type StoredPrivacyList,
  StoreUnavailableError,
  type SubscriptionResult,
  VCARD_FIELDS,
  type VcardCondition,
  type VcardField,
  type VcardMatch,
} from '../store/operations.ts';
export { isBracketed } from '../util/bracketed.ts';
export { CommandError } from '../util/command-error.ts';
export { GenerationCache } from '../util/generation-cache.ts';
export { networkOf } from '../util/ip-network.ts';
export { LatestQueue } from '../util/latest-queue.ts';
export { pathSegment } from '../util/path-segment.ts';
export { randomText } from '../util/random.ts';
export { searchWords } from '../util/search-words.ts';
export { SegmentedCache } from '../util/segmented-cache.ts';
export { Element } from '../xml/element.ts';
export { escapeText, escapeValue, serialize } from '../xml/writer.ts';
export { type CommandAction, type CommandResult, commandElement } from '../xmpp/command.ts';
export { isMixedScript } from '../xmpp/confusable.ts';
export { blankForm, type FormField, resultForm, submittedFields, tableForm } from '../xmpp/data-form.ts';
export { utcMicros, utcOffset, utcSeconds } from '../xmpp/date-time.ts';
export { delayXml, parseStamp } from '../xmpp/delay.ts';
export { forwardedMessage } from '../xmpp/forwarded.ts';
export { Jid, makeJid, parseDomain, parseJid, parseLocalpart, parseResource } from '../xmpp/jid.ts';
export * from '../xmpp/namespaces.ts';
export { type PageRequest, pageOf, pageRequest } from '../xmpp/result-set.ts';
export { isOlder, isSameSession, type SessionId } from '../xmpp/session-id.ts';
export * from '../xmpp/stable-id.ts';
export { parseMicros, stampOfMicros } from '../xmpp/stamp.ts';
export { Stanza, StanzaKind } from '../xmpp/stanza.ts';
export { StanzaError } from '../xmpp/stanza-error.ts';
export { hasIdBy, stanzaIdXml, withoutIdsBy } from '../xmpp/stanza-ids.ts';
export { streamErrorXml } from '../xmpp/stream-error.ts';
export { isSeen, sees } from '../xmpp/subscription.ts';
export { parseChildren, parseElement, parseElementText } from '../xmpp/trusted-xml.ts';
export * from './api/accounts.ts';
export * from './api/caught-up.ts';
export * from './api/command-input.ts';
export * from './api/context.ts';
export * from './api/damage.ts';
export * from './api/definition.ts';
export * from './api/domain-removals.ts';
export * from './api/outgoing.ts';
export * from './api/portable.ts';
export * from './api/registrations.ts';
export * from './api/routing.ts';
export * from './api/services.ts';
export * from './api/session-handle.ts';
export * from './api/sessions.ts';
export * from './api/take-over.ts';
