import {
  type DiscoAcc,
  DomainRemovals,
  defineModule,
  type ModuleContext,
  type Stanza,
  StoreUnavailableError,
  stop,
} from '../module.ts';
import { ArchiveDamage } from './archive-damage.ts';
import { Archiving } from './archiving.ts';
import { Backlog } from './backlog.ts';
import { featuresOf } from './features.ts';
import { PURGE_EVERY_MS, PURGE_FIRST_MS } from './limits.ts';
import { Lookups } from './lookups.ts';
import { isMamNamespace, NS_MAM } from './namespaces.ts';
import { type MamOptions, optionsSchema, type PmOptions, pmOptions } from './options.ts';
import { registerPersonalData } from './personal-data.ts';
import { registerPortable } from './portable.ts';
import { Preferences } from './prefs.ts';
import { PrefsRequests } from './prefs-requests.ts';
import { Removals } from './removals.ts';
import { Requests } from './requests.ts';
import { Retractions } from './retractions.ts';
import { Shapers } from './shapers.ts';
import { StoreHandlers } from './store-handlers.ts';
import { foretell } from './strategy.ts';
import { Wishes } from './wishes.ts';
import { ArchiveWriter } from './writer.ts';

/**
 * Archives of users (XEP-0313): what they send and receive, for all their devices. Messages leave for the store at the end of each turn of a shard's loop; what a client
 * is told to have been handled (XEP-0198) is in both archives.
 */
export default defineModule<MamOptions>({
  name: 'mod_mam',
  xeps: [
    {
      number: 313,
      version: '1.1.3',
      note: 'archives of users, in the namespaces of versions 0.5 and 0.6 and later',
    },
    { number: 441, version: '0.2.0', note: 'if `user_prefs_store` is set' },
    { number: 59, version: '1.0', note: 'pages of archives' },
    { number: 359, version: '0.7.0', note: 'ids of archived messages' },
    { number: 424, version: '0.4.2', note: 'tombstones; also in the way of version 0.3' },
    { number: 431, version: '0.2.0' },
    { number: 297, version: '1.0', note: 'in results' },
    { number: 334, version: '0.4.0', note: '`store`, `no-store`, `no-permanent-store`' },
  ],
  options: optionsSchema,
  setup(context) {
    const options = pmOptions(context.options);
    if (options !== undefined) setUpUserArchives(context, options);
    else if (context.shard === 0) {
      context.log.warn({ what: 'mam_without_archives' }, 'nothing is archived without [modules.mod_mam.pm]');
    }
  },
});

function setUpUserArchives(context: ModuleContext<MamOptions>, options: PmOptions): void {
  const writer = new ArchiveWriter(context);
  const backlog = new Backlog(context, writer);
  const prefs = options.hasPrefs ? new Preferences(context, options.cache_users) : undefined;
  const damage = new ArchiveDamage(context);
  const store = new StoreHandlers(context, damage);
  const retractions = new Retractions(context, writer, damage);
  const wishes = new Wishes(context, prefs);
  const archiving = new Archiving(context, options, writer, wishes, retractions, backlog.horizons);
  const removals = new Removals(context, options, writer, prefs);
  const requests = new Requests(context, {
    options,
    lookups: new Lookups(context, options, { writer, backlog, store }),
    prefs: new PrefsRequests(context, options.hasPrefs),
    shapers: new Shapers(context),
  });
  const discipline = { type: 'parallel', answersForUnknown: true } as const;
  for (const ns of NS_MAM) context.iq('sm', ns, (request) => requests.handle(request), discipline);

  context.hook('user_send_message', 60, (acc, session) => archiving.outgoing(acc, session));
  context.hook('filter_local_packet', 60, (acc) => archiving.incoming(acc));
  context.hook('amp_determine_strategy', 20, (strategy, message) =>
    foretell(context, options, strategy, message),
  );
  context.hook('sm_filter_offline_message', 50, (_isDropped, { packet }) => {
    return isResult(packet) ? stop(true) : undefined;
  });
  answerStoreHooks(context, { archiving, store, writer, prefs, removals });
  announceFeatures(context, options);
  removeWithOwners(context, removals);
  registerPortable(context, options, prefs, damage);
  registerPersonalData(context, store);
  if (context.shard !== 0) return;
  context.after(PURGE_FIRST_MS, () => void removals.purge());
  context.every(PURGE_EVERY_MS, () => void removals.purge());
}

interface Parts {
  readonly archiving: Archiving;
  readonly store: StoreHandlers;
  readonly writer: ArchiveWriter;
  readonly prefs: Preferences | undefined;
  readonly removals: Removals;
}

/** The store's part in the hooks of archives. */
function answerStoreHooks(
  context: ModuleContext,
  { archiving, store, writer, prefs, removals }: Parts,
): void {
  context.hook('mam_archive_message', 50, (outcome, message) => {
    return outcome === 'ok' ? archiving.archive(message) : undefined;
  });
  context.hook('mam_lookup_messages', 50, (_result, query) => store.lookUp(query));
  context.hook('mam_archive_size', 50, (_size, { owner }) =>
    context.store.request('archive_size', owner.bare),
  );
  context.hook('mam_archive_sync', 50, async () => {
    await writer.settled();
    return undefined;
  });
  context.hook('mam_remove_archive', 50, (_nothing, { owner }) => removals.removeUser(owner));
  if (prefs === undefined) return;
  context.hook('mam_get_behaviour', 50, (_behaviour, { owner, remote }) => prefs.behaviour(owner, remote));
  context.hook('mam_get_prefs', 50, async (_prefs, { owner }) => {
    return await prefs.get(owner).catch(unavailable);
  });
  context.hook('mam_set_prefs', 50, async (_outcome, { owner, defaultMode, alwaysJids, neverJids }) => {
    const changed = { defaultMode, always: alwaysJids, never: neverJids };
    return await prefs.set(owner, changed).then(() => 'ok' as const, unavailable);
  });
}

function unavailable(cause: unknown): { readonly error: string } {
  if (cause instanceof StoreUnavailableError) return { error: 'unavailable' };
  throw cause;
}

function announceFeatures(context: ModuleContext, options: PmOptions): void {
  const features = featuresOf(options);
  const withFeatures = (acc: DiscoAcc<string>): DiscoAcc<string> | undefined =>
    acc.node === '' ? { ...acc, result: [...(acc.result ?? []), ...features] } : undefined;
  context.hook('disco_local_features', 99, (acc) => withFeatures(acc));
  context.hook('disco_sm_features', 99, (acc, { presenceSubscribed }) => {
    return presenceSubscribed ? withFeatures(acc) : undefined;
  });
}

function removeWithOwners(context: ModuleContext, removals: Removals): void {
  const remove = async ({
    jid,
  }: {
    readonly jid: Parameters<Removals['removeUser']>[0];
  }): Promise<undefined> => {
    await context.foldHook('mam_remove_archive', undefined, { archiveId: undefined, owner: jid.bareJid });
  };
  context.hook('remove_user', 50, (_acc, params) => remove(params));
  context.hook('anonymous_purge', 50, (_acc, params) => remove(params));
  const domains = new DomainRemovals(context, (domain) => removals.removeDomain(domain));
  context.hook('remove_domain', 50, (removal, { domain }) => domains.begin(removal, domain));
}

/** Whether a message is a part of an answer of an archive: that is for the session that has asked, and for nobody else. */
function isResult(packet: Stanza): boolean {
  if (!packet.mayContain('result')) return false;
  return packet.element.elements().some(({ name, ns }) => name === 'result' && isMamNamespace(ns));
}
