/** Who waits for what becomes of kept writes. */
export class KeptWaiters {
  #calm: PromiseWithResolvers<void> | undefined;
  /** Until all up to a place is done; in the order of places. */
  #settling: { readonly place: number; readonly promise: Promise<void>; readonly resolve: () => void }[] = [];
  readonly #listeners = new Set<(isBehind: boolean, cause: unknown) => void>();

  /** One promise for all. */
  get calm(): Promise<void> {
    this.#calm ??= Promise.withResolvers<void>();
    return this.#calm.promise;
  }

  /** Resolves when nothing is left up to this place. The same promise for all who ask at one place. */
  settled(place: number): Promise<void> {
    const last = this.#settling.at(-1);
    if (last?.place === place) return last.promise;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#settling.push({ place, promise, resolve });
    return promise;
  }

  onBehind(listener: (isBehind: boolean, cause: unknown) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tellBehind(isBehind: boolean, cause: unknown): void {
    for (const listener of [...this.#listeners]) listener(isBehind, cause);
  }

  /** `oldest`: the place of the first write that is left. */
  progressed(oldest: number, isCalm: boolean): void {
    while (this.#settling.length > 0 && this.#settling[0]!.place < oldest) this.#settling.shift()!.resolve();
    if (!isCalm || this.#calm === undefined) return;
    this.#calm.resolve();
    this.#calm = undefined;
  }
}
