import type { ArchiveBehaviour, Jid, ModuleContext } from '../module.ts';
import type { Preferences } from './prefs.ts';

/** What owners of archives want in them, by the hooks `mam_archive_id` and `mam_get_behaviour`. */
export class Wishes {
  readonly #context: ModuleContext;
  readonly #prefs: Preferences | undefined;

  constructor(context: ModuleContext, prefs: Preferences | undefined) {
    this.#context = context;
    this.#prefs = prefs;
  }

  /** Whether the owner of an archive wants messages of a conversation in it. */
  isWanted(owner: Jid, remote: Jid): boolean | Promise<boolean> {
    const behaviour = this.#behaviour(owner, remote);
    if (behaviour instanceof Promise)
      return behaviour.then((settled) => this.#decide(settled, owner, remote));
    return this.#decide(behaviour, owner, remote);
  }

  /** Without the detour of the hook where nobody else listens. */
  #behaviour(owner: Jid, remote: Jid): ArchiveBehaviour | Promise<ArchiveBehaviour> {
    if (!this.#context.hasOtherHandlers('mam_get_behaviour')) {
      return this.#prefs === undefined ? 'always' : this.#prefs.behaviour(owner, remote);
    }
    const params = { archiveId: this.archiveId(owner), owner, remote };
    return this.#context.foldHook('mam_get_behaviour', 'always', params);
  }

  #decide(behaviour: ArchiveBehaviour, owner: Jid, remote: Jid): boolean | Promise<boolean> {
    if (behaviour === 'roster') return this.#context.isSubscribed(remote, owner);
    return behaviour === 'always';
  }

  /** The store numbers no archives; others may, at once. */
  archiveId(owner: Jid): number | undefined {
    if (!this.#context.hasOtherHandlers('mam_archive_id')) return undefined;
    const id = this.#context.foldHook('mam_archive_id', undefined, { owner });
    return id instanceof Promise ? undefined : id;
  }
}
