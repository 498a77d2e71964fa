import {
  type ArchiveBehaviour,
  type ArchivePrefs,
  GenerationCache,
  type Jid,
  type ModuleContext,
  type StoredArchivePrefs,
} from '../module.ts';
import { PREFS_CACHE_MAX, PREFS_MS_MAX } from './limits.ts';

/** What holds for a user who has said nothing. */
const DEFAULT: StoredArchivePrefs = { defaultMode: 'always', always: [], never: [] };

/** A user's preferences, made to be asked often. */
interface Known {
  readonly defaultMode: ArchiveBehaviour;
  readonly always: ReadonlySet<string>;
  readonly never: ReadonlySet<string>;
}

/**
 * What users want archived (XEP-0441). Each shard remembers what it has read; a change is announced to all, and what is being read while it is announced is not remembered.
 */
export class Preferences {
  readonly #context: ModuleContext;
  readonly #cache: GenerationCache<string, Known> | undefined;
  /** What is being read, so that it is read once. */
  readonly #reading = new Map<string, Promise<Known>>();

  constructor(context: ModuleContext, isCached: boolean) {
    this.#context = context;
    this.#cache = isCached ? new GenerationCache(PREFS_CACHE_MAX) : undefined;
    context.onAnnouncement((content) => {
      const { forget } = content as { readonly forget?: string };
      if (forget !== undefined) this.#forget(forget);
    });
  }

  /** Whether messages of a conversation are archived for `owner`: for its full JID, else its bare one, else by default. */
  behaviour(owner: Jid, remote: Jid): ArchiveBehaviour | Promise<ArchiveBehaviour> {
    const known = this.#cache?.get(owner.bare);
    if (known !== undefined) return behaviourOf(known, remote);
    return this.#inTime(owner.bare, remote);
  }

  /** While the store does not say what a user wants, everything is archived: messages to those who are online do not wait for it. */
  async #inTime(bare: string, remote: Jid): Promise<ArchiveBehaviour> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const cancel = this.#context.after(PREFS_MS_MAX, () => resolve(undefined));
    const read = await Promise.race([this.#read(bare).catch(() => undefined), promise]);
    cancel();
    return read === undefined ? 'always' : behaviourOf(read, remote);
  }

  async get(owner: Jid): Promise<ArchivePrefs> {
    const { defaultMode, always, never } = (await this.#ask(owner.bare)) ?? DEFAULT;
    return { defaultMode, always: this.#jids(always), never: this.#jids(never) };
  }

  /** Resolves when all shards go by the new ones. */
  async set(owner: Jid, { defaultMode, always, never }: ArchivePrefs): Promise<void> {
    const full = (jids: readonly Jid[]): string[] => jids.map((jid) => jid.full);
    const prefs = { defaultMode, always: full(always), never: full(never) };
    await this.#context.store.request('archive_set_prefs', owner.bare, prefs);
    await this.announceChange(owner);
  }

  /** Everybody forgets what he knows of a user. */
  async announceChange(owner: Jid): Promise<void> {
    this.#context.announce({ forget: owner.bare });
    await this.#context.whenHandled();
  }

  #read(bare: string): Promise<Known> {
    const known = this.#reading.get(bare);
    if (known !== undefined) return known;
    const reading = this.#ask(bare).then((prefs = DEFAULT) => {
      const read = {
        defaultMode: prefs.defaultMode,
        always: new Set(prefs.always),
        never: new Set(prefs.never),
      };
      if (this.#reading.get(bare) === reading) this.#cache?.set(bare, read);
      return read;
    });
    this.#reading.set(bare, reading);
    const done = (): void => {
      if (this.#reading.get(bare) === reading) this.#reading.delete(bare);
    };
    reading.then(done, done);
    return reading;
  }

  async #ask(bare: string): Promise<StoredArchivePrefs | undefined> {
    return (await this.#context.store.request('archive_get_prefs', bare)) ?? undefined;
  }

  #forget(bare: string): void {
    this.#cache?.delete(bare);
    this.#reading.delete(bare);
  }

  #jids(texts: readonly string[]): Jid[] {
    return texts.map((text) => this.#context.trustedJid(text));
  }
}

/** XEP-0441 §2.3: an entry with a resource means that resource alone. */
function behaviourOf({ defaultMode, always, never }: Known, remote: Jid): ArchiveBehaviour {
  if (always.size === 0 && never.size === 0) return defaultMode;
  if (always.has(remote.full)) return 'always';
  if (never.has(remote.full)) return 'never';
  if (always.has(remote.bare)) return 'always';
  if (never.has(remote.bare)) return 'never';
  return defaultMode;
}
