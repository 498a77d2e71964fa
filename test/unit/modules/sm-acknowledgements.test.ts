import { describe, expect, it } from 'vitest';
import type { Accumulator } from '../../../src/hooks/accumulator.ts';
import { Acknowledgements } from '../../../src/modules/mod-stream-management/acknowledgements.ts';
import mod_stream_management from '../../../src/modules/mod-stream-management/mod-stream-management.ts';
import type { SmOptions } from '../../../src/modules/mod-stream-management/options.ts';
import type { SmSessions } from '../../../src/modules/mod-stream-management/sessions.ts';
import { SmStream } from '../../../src/modules/mod-stream-management/stream.ts';
import type { C2sParams, ModuleContext, SessionHandle } from '../../../src/modules/module.ts';

/** What a client is told while some of what it has sent is on its way, or being stored. */

class Bench {
  readonly told: number[] = [];
  readonly stream: SmStream;
  /** What is being stored, and what is on its way. */
  readonly commits = new Set<Promise<unknown>>();
  handling: Promise<unknown> | undefined = undefined;
  readonly #acks: Acknowledgements;

  constructor() {
    const handle = {
      write: (xml: string) => this.#hear(xml),
      whenCommitted: () => this.#pending(),
    } as SessionHandle;
    Object.defineProperty(handle, 'isCommitting', { get: () => this.commits.size > 0 });
    Object.defineProperty(handle, 'isHandling', { get: () => this.handling !== undefined });
    const session = { state: 'session_established' } as C2sParams;
    this.stream = new SmStream(session, handle, 'id', 1_000, 100, { bytes: 0 });
    const context = { options: mod_stream_management.options.parse({}) } as ModuleContext<SmOptions>;
    this.#acks = new Acknowledgements(context, {} as SmSessions);
  }

  #pending(): Promise<unknown> | undefined {
    const all = this.handling === undefined ? [...this.commits] : [...this.commits, this.handling];
    return all.length === 0 ? undefined : Promise.allSettled(all);
  }

  #hear(xml: string): void {
    this.told.push(Number(/h='(\d+)'/.exec(xml)![1]));
  }

  ask(): void {
    const acc = { addAction: ({ xml }: { xml: string }) => this.#hear(xml) } as unknown as Accumulator;
    this.#acks.asked(acc, this.stream);
  }

  /** A stanza comes that is being stored; returns how that ends. */
  storing(): () => void {
    this.stream.countReceived();
    return this.#commit();
  }

  #commit(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.commits.add(promise);
    void promise.then(() => this.commits.delete(promise));
    return resolve;
  }

  /** A stanza comes that is on its way for a while, and is to be stored then. */
  handle(): () => () => void {
    this.stream.countReceived();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.handling = promise;
    return () => {
      const stored = this.#commit();
      this.handling = undefined;
      resolve();
      return stored;
    };
  }

  /** Everything that can go on has. */
  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}

describe('acknowledgements', () => {
  it('count what is stored, as soon as it is', async () => {
    const bench = new Bench();
    const stored = bench.storing();
    bench.ask();
    expect(bench.told).toEqual([0]);
    stored();
    await bench.turn();
    expect(bench.told).toEqual([0, 1]);
    bench.ask();
    expect(bench.told).toEqual([0, 1, 1]);
  });

  it('do not count what is on its way to where it will be stored, whatever else is stored meanwhile', async () => {
    const bench = new Bench();
    const first = bench.storing();
    bench.ask();
    const second = bench.storing();
    const decide = bench.handle();
    first();
    await bench.turn();
    second();
    await bench.turn();
    expect(Math.max(...bench.told)).toBeLessThanOrEqual(2);
    const third = decide();
    await bench.turn();
    expect(Math.max(...bench.told)).toBe(2);
    third();
    await bench.turn();
    expect(bench.told.at(-1)).toBe(3);
  });

  it('tell whoever asked while others were stored, too', async () => {
    const bench = new Bench();
    const first = bench.storing();
    bench.ask();
    const second = bench.storing();
    bench.ask();
    expect(bench.told).toEqual([0, 0]);
    first();
    second();
    await bench.turn();
    expect(bench.told).toEqual([0, 0, 2]);
  });

  it('never go back', async () => {
    const bench = new Bench();
    const first = bench.storing();
    bench.ask();
    const second = bench.storing();
    first();
    second();
    await Promise.resolve();
    await Promise.resolve();
    bench.ask();
    await bench.turn();
    expect(bench.told).toEqual(bench.told.toSorted((a, b) => a - b));
    expect(bench.told.at(-1)).toBe(2);
  });
});
