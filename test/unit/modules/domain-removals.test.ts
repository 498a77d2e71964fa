import { expect, it } from 'vitest';
import { DomainRemovals, type ModuleContext } from '../../../src/modules/module.ts';

/** Removals of domains that take longer than a hook may. */

function contextOf(stops: (() => void)[] = []): ModuleContext {
  const context = {
    module: 'mod_x',
    log: { warn: () => {} },
    onStop: (callback: () => void) => stops.push(callback),
  };
  return context as unknown as ModuleContext;
}

it('begin without waiting, and are one while they last', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const begun: string[] = [];
  const removals = new DomainRemovals(contextOf(), (domain) => {
    begun.push(domain);
    return promise;
  });
  const other = { module: 'mod_y', done: Promise.resolve() };
  const first = removals.begin({ failed: ['mod_z'], rest: [other] }, 'a.example');
  expect(first.failed).toEqual(['mod_z']);
  expect(first.rest!.map(({ module }) => module)).toEqual(['mod_y', 'mod_x']);
  const second = removals.begin({ failed: [] }, 'a.example');
  expect(begun).toEqual(['a.example']);
  removals.begin({ failed: [] }, 'b.example');
  expect(begun).toEqual(['a.example', 'b.example']);
  resolve();
  await Promise.all([first.rest![1]!.done, second.rest![0]!.done]);
  removals.begin({ failed: [] }, 'a.example');
  expect(begun).toEqual(['a.example', 'b.example', 'a.example']);
});

it('fail for whoever waits when the work fails, and when the module is stopped; then they may be tried again', async () => {
  const stops: (() => void)[] = [];
  let fails = true;
  const removals = new DomainRemovals(contextOf(stops), () => {
    return fails ? Promise.reject(new Error('no disk')) : new Promise(() => {});
  });
  const done = (): Promise<void> => removals.begin({ failed: [] }, 'a.example').rest![0]!.done;
  await expect(done()).rejects.toThrow('no disk');
  fails = false;
  const waiting = done();
  for (const stop of stops) stop();
  await expect(waiting).rejects.toThrow('the module was stopped');
});
