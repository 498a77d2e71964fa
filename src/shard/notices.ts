import type { DryRun } from './dry-run.ts';

type Listener = (payload: unknown) => void;

/**
 * What shards tell one another besides stanzas: that an account is new or gone, that a component is up, what modules announce. A notice
 * reaches the shard that gives it at once, the others behind everything sent to them before.
 */
export class Notices {
  readonly #tellOthers: (notice: string, payload: unknown) => void;
  readonly #dryRun: DryRun;
  readonly #listeners = new Map<string, Listener>();
  readonly #modules = new Map<string, Set<Listener>>();

  constructor(tellOthers: (notice: string, payload: unknown) => void, dryRun: DryRun) {
    this.#tellOthers = tellOthers;
    this.#dryRun = dryRun;
    this.#listeners.set('module', (payload) => {
      const { module, content } = payload as { module: string; content: unknown };
      for (const listener of this.#modules.get(module) ?? []) listener(content);
    });
  }

  /** Says who hears a kind of notice: one part of the shard each. */
  on(notice: string, listener: Listener): void {
    this.#listeners.set(notice, listener);
  }

  /** Tells all shards, this one at once. */
  announce(notice: string, payload: unknown): void {
    this.heard(notice, payload);
    this.#tellOthers(notice, payload);
  }

  /** A notice came from another shard. */
  heard(notice: string, payload: unknown): void {
    this.#listeners.get(notice)?.(payload);
  }

  /** Tells all instances of a module, in all shards. */
  announceToModule(module: string, content: unknown): void {
    if (!this.#dryRun.isActive) this.announce('module', { module, content });
  }

  /** Hears announcements for a module. Returns how to stop hearing. */
  onAnnouncement(module: string, listener: Listener): () => void {
    let listeners = this.#modules.get(module);
    if (listeners === undefined) {
      listeners = new Set();
      this.#modules.set(module, listeners);
    }
    listeners.add(listener);
    return () => listeners.delete(listener);
  }
}
