import { performance } from 'node:perf_hooks';
import type { Accumulator } from './accumulator.ts';
import type { Trace } from './trace.ts';

/**
 * Running the handlers of one hook.
 *
 * Order: **the lower number runs first**; equal numbers keep the order of registration. A chain is a flat array made
 * when modules start or stop; a hook without handlers has no chain at all (`null`), which costs its caller one comparison.
 *
 * A handler is synchronous. It returns nothing to go on; {@link STOP} to end the chain; {@link DROP} where the hook's
 * declaration gives it a meaning. In a chain of values it returns the new value, or `stop(value)` to end with it.
 * One that returns a promise suspends the stanza, and with it the input of that session alone, until the promise settles
 * or its deadline passes.
 *
 * A handler that throws is logged with module, hook and stanza, and counted; what it had changed in the accumulator is undone and the
 * fold goes on, unless the hook's declaration says `failure: 'closed'`.
 */

/** Ends the chain: the handler has taken over. */
export const STOP = Symbol('stop');
/** Ends the chain: the stanza goes no further, silently. */
export const DROP = Symbol('drop');

/** How a chain over an {@link Accumulator} ended; undefined = all handlers went on. */
export type Verdict = undefined | typeof STOP | typeof DROP;

/** The end of a chain of values: `value` is the result, later handlers are skipped. */
export class Stop<T> {
  readonly value: T;
  constructor(value: T) {
    this.value = value;
  }
}

/** Ends a chain of values with `value`. */
export function stop<T>(value: T): Stop<T> {
  return new Stop(value);
}

/** What the registry tells a handler about its registration. */
export interface HandlerExtra {
  readonly hook_name: string;
  /** The host type's name, or `global`. */
  readonly hook_tag: string;
  readonly host_type: string | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: the registry holds handlers of every hook; `points.ts` types them where they are written
export type AnyHandler = (acc: any, params: any, extra: HandlerExtra) => unknown;

/** One registered handler. */
export interface HandlerEntry {
  readonly fn: AnyHandler;
  readonly module: string;
  readonly priority: number;
  readonly extra: HandlerExtra;
  /** Changes state outside of the accumulator and the server's gateways: not run when a route is only explained. */
  readonly hasEffects: boolean;
}

/** What a chain needs from its surroundings. */
export interface ChainHost {
  /** A handler threw, rejected, returned nonsense or missed its deadline. */
  failed(hook: string, entry: HandlerEntry, acc: unknown, cause: unknown): void;
  /** A handler returned a promise that is waited for. */
  suspended?(): void;
  /** Milliseconds that a promise may take. */
  readonly deadlineMs: number;
}

/** Thrown into `failed` when a promise does not settle in time. */
export class HandlerDeadlineError extends Error {}

export class Chain {
  readonly hook: string;
  readonly entries: readonly HandlerEntry[];
  readonly isClosedOnFailure: boolean;
  readonly refusal: unknown;
  /** How often the chain was run; read by metrics. */
  runs = 0;
  readonly #host: ChainHost;

  constructor(
    hook: string,
    entries: readonly HandlerEntry[],
    host: ChainHost,
    isClosedOnFailure: boolean,
    refusal: unknown,
  ) {
    this.hook = hook;
    this.entries = entries;
    this.isClosedOnFailure = isClosedOnFailure;
    this.refusal = refusal;
    this.#host = host;
  }

  /** Runs the chain over a stanza's accumulator. A promise is returned only if a handler returned one. */
  run(acc: Accumulator, params: unknown): Verdict | Promise<Verdict> {
    this.runs++;
    return acc.trace === undefined ? this.#runFrom(0, acc, params) : this.#runTraced(0, acc, params);
  }

  /** Runs the chain over a value; each handler gets the value that the one before returned (undefined: unchanged). */
  fold<T>(initial: T, params: unknown, trace?: Trace): T | Promise<T> {
    this.runs++;
    return trace === undefined
      ? this.#foldFrom(0, initial, params)
      : this.#foldTraced(0, initial, params, trace);
  }

  #runFrom(first: number, acc: Accumulator, params: unknown): Verdict | Promise<Verdict> {
    const entries = this.entries;
    for (let i = first; i < entries.length; i++) {
      const entry = entries[i]!;
      const mark = acc.begin();
      let result: unknown;
      try {
        result = entry.fn(acc, params, entry.extra);
      } catch (cause) {
        if (this.#fail(entry, acc, mark, cause) === STOP) return STOP;
        continue;
      }
      if (result instanceof Promise) return this.#awaitStep(i, mark, acc, params, result);
      if (result === undefined) acc.commit();
      else if (result === STOP || result === DROP) {
        acc.commit();
        return result as Verdict;
      } else if (this.#fail(entry, acc, mark, invalid(result)) === STOP) return STOP;
    }
    return undefined;
  }

  async #awaitStep(
    i: number,
    mark: number,
    acc: Accumulator,
    params: unknown,
    promise: Promise<unknown>,
  ): Promise<Verdict> {
    // The bytes of a stanza being read are gone once we return to the event loop.
    acc.retain();
    const entry = this.entries[i]!;
    const from = performance.now();
    let result: unknown;
    try {
      result = await this.#withDeadline(promise);
      if (result !== undefined && result !== STOP && result !== DROP) throw invalid(result);
      if (acc.trace !== undefined) this.#noteSettled(acc.trace, entry, describe(result), from);
      acc.commit();
    } catch (cause) {
      if (acc.trace !== undefined) this.#noteSettled(acc.trace, entry, `failed: ${String(cause)}`, from);
      result = this.#fail(entry, acc, mark, cause);
    }
    if (result !== undefined) return result as Verdict;
    return acc.trace === undefined ? this.#runFrom(i + 1, acc, params) : this.#runTraced(i + 1, acc, params);
  }

  #runTraced(first: number, acc: Accumulator, params: unknown): Verdict | Promise<Verdict> {
    const trace = acc.trace!;
    for (let i = first; i < this.entries.length; i++) {
      const entry = this.entries[i]!;
      const step = `${this.hook} ${entry.priority}`;
      if (trace.isDryRun && entry.hasEffects) {
        trace.note({ step, module: entry.module, outcome: 'would run' });
        continue;
      }
      const mark = acc.begin();
      const from = performance.now();
      let result: unknown;
      try {
        result = entry.fn(acc, params, entry.extra);
      } catch (cause) {
        trace.note({ step, module: entry.module, outcome: `failed: ${String(cause)}`, us: since(from) });
        if (this.#fail(entry, acc, mark, cause) === STOP) return STOP;
        continue;
      }
      trace.note({ step, module: entry.module, outcome: describe(result), us: since(from) });
      if (result instanceof Promise) {
        if (!trace.isDryRun) return this.#awaitStep(i, mark, acc, params, result);
        result.catch(() => {});
        acc.commit();
      } else if (result === undefined) acc.commit();
      else if (result === STOP || result === DROP) {
        acc.commit();
        return result as Verdict;
      } else if (this.#fail(entry, acc, mark, invalid(result)) === STOP) return STOP;
    }
    return undefined;
  }

  #foldFrom<T>(first: number, initial: T, params: unknown): T | Promise<T> {
    let value = initial;
    for (let i = first; i < this.entries.length; i++) {
      const entry = this.entries[i]!;
      let result: unknown;
      try {
        result = entry.fn(value, params, entry.extra);
      } catch (cause) {
        if (this.#failValue(entry, value, cause)) return this.refusal as T;
        continue;
      }
      if (result === undefined) continue;
      if (result instanceof Promise) return this.#awaitValue(i, value, params, result, undefined);
      if (result instanceof Stop) return result.value as T;
      if (typeof result !== 'symbol') value = result as T;
      else if (this.#failValue(entry, value, invalid(result))) return this.refusal as T;
    }
    return value;
  }

  #foldTraced<T>(first: number, initial: T, params: unknown, trace: Trace): T | Promise<T> {
    let value = initial;
    for (let i = first; i < this.entries.length; i++) {
      const entry = this.entries[i]!;
      const { module, fn, extra } = entry;
      const step = `${this.hook} ${entry.priority}`;
      if (trace.isDryRun && entry.hasEffects) {
        trace.note({ step, module, outcome: 'would run' });
        continue;
      }
      const from = performance.now();
      let result: unknown;
      try {
        result = fn(value, params, extra);
      } catch (cause) {
        trace.note({ step, module, outcome: `failed: ${String(cause)}`, us: since(from) });
        if (this.#failValue(entry, value, cause)) return this.refusal as T;
        continue;
      }
      trace.note({ step, module, outcome: describeValue(result), us: since(from) });
      if (result === undefined) continue;
      if (result instanceof Promise) {
        if (!trace.isDryRun) return this.#awaitValue(i, value, params, result, trace);
        result.catch(() => {});
      } else if (result instanceof Stop) return result.value as T;
      else if (typeof result !== 'symbol') value = result as T;
      else if (this.#failValue(entry, value, invalid(result))) return this.refusal as T;
    }
    return value;
  }

  async #awaitValue<T>(
    i: number,
    value: T,
    params: unknown,
    promise: Promise<unknown>,
    trace: Trace | undefined,
  ): Promise<T> {
    let next = value;
    const from = performance.now();
    try {
      const result = await this.#withDeadline(promise);
      if (trace !== undefined) this.#noteSettled(trace, this.entries[i]!, describeValue(result), from);
      if (result instanceof Stop) return result.value as T;
      if (typeof result === 'symbol') throw invalid(result);
      if (result !== undefined) next = result as T;
    } catch (cause) {
      if (trace !== undefined) this.#noteSettled(trace, this.entries[i]!, `failed: ${String(cause)}`, from);
      if (this.#failValue(this.entries[i]!, value, cause)) return this.refusal as T;
    }
    return trace === undefined
      ? this.#foldFrom(i + 1, next, params)
      : this.#foldTraced(i + 1, next, params, trace);
  }

  #fail(entry: HandlerEntry, acc: Accumulator, mark: number, cause: unknown): Verdict {
    acc.rollBack(mark);
    this.#host.failed(this.hook, entry, acc, cause);
    return this.isClosedOnFailure ? STOP : undefined;
  }

  /** Reports a failure in a chain of values; whether the chain ends with the refusal. */
  #failValue(entry: HandlerEntry, value: unknown, cause: unknown): boolean {
    this.#host.failed(this.hook, entry, value, cause);
    return this.isClosedOnFailure;
  }

  /** The end of a handler that was noted as suspended. */
  #noteSettled(trace: Trace, { module, priority }: HandlerEntry, outcome: string, from: number): void {
    trace.note({ step: `${this.hook} ${priority}`, module, outcome, us: since(from) });
  }

  async #withDeadline(promise: Promise<unknown>): Promise<unknown> {
    this.#host.suspended?.();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new HandlerDeadlineError(`no result after ${this.#host.deadlineMs} ms`));
      }, this.#host.deadlineMs);
    });
    try {
      return await Promise.race([promise, deadline]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function invalid(result: unknown): TypeError {
  return new TypeError(`handler returned ${typeof result === 'symbol' ? String(result) : typeof result}`);
}

function since(from: number): number {
  return Math.round((performance.now() - from) * 1000);
}

function describe(result: unknown): string {
  if (result === undefined) return 'ok';
  if (result === STOP) return 'stop';
  if (result === DROP) return 'drop';
  return result instanceof Promise ? 'suspended' : 'invalid';
}

function describeValue(result: unknown): string {
  if (result === undefined) return 'unchanged';
  if (result instanceof Stop) return 'stop';
  if (result instanceof Promise) return 'suspended';
  return typeof result === 'symbol' ? 'invalid' : 'value';
}
