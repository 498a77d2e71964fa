import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Accumulator } from '../../../src/hooks/accumulator.ts';
import { type AnyHandler, Chain, DROP, HandlerDeadlineError, STOP, stop } from '../../../src/hooks/chain.ts';
import { Scan, Scanner } from '../../../src/xml/scanner.ts';
import { StreamContext } from '../../../src/xml/stream-context.ts';
import { NS_CLIENT } from '../../../src/xmpp/namespaces.ts';
import { Stanza, StanzaKind } from '../../../src/xmpp/stanza.ts';
import { accumulator, chainOf, EXTRA, FakeHost, FakeTrace, message } from './fakes.ts';

/** Notes that it ran under the key `test/ran`, then behaves like `next`. */
function noting(name: string, next: (acc: Accumulator) => unknown = () => undefined): AnyHandler {
  return (acc: Accumulator) => {
    acc.append('test', 'ran', name);
    return next(acc);
  };
}

function ran(acc: Accumulator): unknown {
  return acc.get('test', 'ran');
}

function fail(): never {
  throw new Error('broken');
}

describe('a chain over an accumulator', () => {
  test('runs its handlers in the given order and ends with undefined', () => {
    const acc = accumulator();
    expect(chainOf(new FakeHost(), [noting('a'), noting('b'), noting('c')]).run(acc, {})).toBeUndefined();
    expect(ran(acc)).toEqual(['a', 'b', 'c']);
  });

  test('gives every handler the accumulator, the parameters and its registration', () => {
    const seen: unknown[] = [];
    const acc = accumulator();
    const params = { jid: 'x' };
    chainOf(new FakeHost(), [(...args) => void seen.push(args)]).run(acc, params);
    expect(seen).toEqual([[acc, params, EXTRA]]);
  });

  test('ends at STOP, skips later handlers and keeps what was changed', () => {
    const acc = accumulator();
    const chain = chainOf(new FakeHost(), [noting('a', () => STOP), noting('b')]);
    expect(chain.run(acc, {})).toBe(STOP);
    expect(ran(acc)).toEqual(['a']);
  });

  test('ends at DROP and skips later handlers', () => {
    const acc = accumulator();
    expect(chainOf(new FakeHost(), [noting('a', () => DROP), noting('b')]).run(acc, {})).toBe(DROP);
    expect(ran(acc)).toEqual(['a']);
  });

  test('counts runs, not handlers', () => {
    const chain = chainOf(new FakeHost(), [noting('a'), noting('b')]);
    chain.run(accumulator(), {});
    chain.run(accumulator(), {});
    expect(chain.runs).toBe(2);
  });

  test('lets a handler run another chain over the same accumulator', () => {
    const host = new FakeHost();
    const inner = chainOf(host, [noting('inner', () => STOP)]);
    const acc = accumulator();
    const outer = chainOf(host, [noting('a', (a) => void inner.run(a, {})), noting('b')]);
    expect(outer.run(acc, {})).toBeUndefined();
    expect(ran(acc)).toEqual(['a', 'inner', 'b']);
  });
});

describe('a handler that throws', () => {
  test('is reported with hook, module, accumulator and cause, and the next one runs', () => {
    const host = new FakeHost();
    const acc = accumulator();
    expect(chainOf(host, [noting('a'), fail, noting('c')]).run(acc, {})).toBeUndefined();
    expect(ran(acc)).toEqual(['a', 'c']);
    expect(host.failures).toEqual([
      { hook: 'test_hook', module: 'mod_1', acc, cause: expect.objectContaining({ message: 'broken' }) },
    ]);
  });

  test('leaves the accumulator as it found it', () => {
    const acc = accumulator();
    const before = acc.stanza;
    const handler = (a: Accumulator) => {
      a.set('test', 'kept', 'changed');
      a.set('test', 'new', 1);
      a.setPermanent('test', 'permanent', 1);
      a.addAction({ kind: 'stop', reason: 'x' });
      a.addFlag(4);
      a.updateStanza(message({}, 'changed'), a.to, a.from);
      fail();
    };
    const { from, to } = acc;
    chainOf(new FakeHost(), [(a) => a.set('test', 'kept', 'original'), handler]).run(acc, {});
    expect(acc.get('test', 'kept')).toBe('original');
    expect(acc.get('test', 'new')).toBeUndefined();
    expect(acc.get('test', 'permanent')).toBeUndefined();
    expect(acc.actions).toBeUndefined();
    expect(acc.flags).toBe(0);
    expect(acc.stanza).toBe(before);
    expect([acc.from, acc.to]).toEqual([from, to]);
  });

  test('is undone before it is reported', () => {
    const host = new FakeHost();
    let seen: unknown = 'nothing reported';
    host.failed = (_hook, _entry, acc) => {
      seen = (acc as Accumulator).get('test', 'ran');
    };
    chainOf(host, [noting('a', fail)]).run(accumulator(), {});
    expect(seen).toBeUndefined();
  });

  test('does not undo what handlers before it have changed', () => {
    const acc = accumulator();
    chainOf(new FakeHost(), [noting('a'), noting('b', fail), noting('c')]).run(acc, {});
    expect(ran(acc)).toEqual(['a', 'c']);
  });

  test('does not undo what was changed outside of any handler', () => {
    const acc = accumulator();
    const host = new FakeHost();
    chainOf(host, [noting('a')]).run(acc, {});
    acc.set('test', 'between', true);
    chainOf(host, [fail]).run(acc, {});
    expect(acc.get('test', 'between')).toBe(true);
    expect(ran(acc)).toEqual(['a']);
  });

  test('takes back what it changed before and during a chain that it ran itself', () => {
    const host = new FakeHost();
    const inner = chainOf(host, [noting('inner')]);
    const acc = accumulator();
    const handler = noting('outer', (a) => {
      inner.run(a, {});
      fail();
    });
    chainOf(host, [noting('a'), handler, noting('c')]).run(acc, {});
    expect(ran(acc)).toEqual(['a', 'c']);
  });

  test('inside another handler takes back its own changes only', () => {
    const host = new FakeHost();
    const inner = chainOf(host, [noting('inner', fail)]);
    const acc = accumulator();
    const handler = noting('outer', (a) => {
      inner.run(a, {});
      a.append('test', 'ran', 'after');
    });
    chainOf(host, [handler]).run(acc, {});
    expect(ran(acc)).toEqual(['outer', 'after']);
    expect(host.failures).toHaveLength(1);
  });

  test('ends the chain with STOP where the hook is closed on failure', () => {
    const host = new FakeHost();
    const acc = accumulator();
    expect(chainOf(host, [fail, noting('b')], {}).run(acc, {})).toBe(STOP);
    expect(ran(acc)).toBeUndefined();
    expect(host.failures).toHaveLength(1);
  });
});

describe('a handler that returns something else', () => {
  test.each([[true], [null], ['stop'], [{ ok: 1 }], [Symbol('stop')]])(
    '(%s) is treated like one that throws',
    (result) => {
      const host = new FakeHost();
      const acc = accumulator();
      const chain = chainOf(host, [noting('a', () => result), noting('b')]);
      expect(chain.run(acc, {})).toBeUndefined();
      expect(ran(acc)).toEqual(['b']);
      expect(host.failures[0]!.cause).toBeInstanceOf(TypeError);
    },
  );

  test('ends a closed chain', () => {
    expect(chainOf(new FakeHost(), [() => true], {}).run(accumulator(), {})).toBe(STOP);
  });

  test('is treated the same when its stanza is traced', () => {
    const host = new FakeHost();
    const acc = accumulator();
    acc.trace = new FakeTrace();
    expect(chainOf(host, [noting('a', () => true), noting('b')]).run(acc, {})).toBeUndefined();
    expect(ran(acc)).toEqual(['b']);
    expect(host.failures).toHaveLength(1);
    expect(chainOf(host, [() => true], {}).run(acc, {})).toBe(STOP);
  });
});

describe('a handler that returns a promise', () => {
  test('suspends the chain, and the later handlers run in order after it', async () => {
    const acc = accumulator();
    const slow = noting('slow', async (a) => {
      await sleep(5);
      a.append('test', 'ran', 'slow, later');
    });
    const result = chainOf(new FakeHost(), [noting('a'), slow, noting('c')]).run(acc, {});
    expect(result).toBeInstanceOf(Promise);
    expect(ran(acc)).toEqual(['a', 'slow']);
    expect(await result).toBeUndefined();
    expect(ran(acc)).toEqual(['a', 'slow', 'slow, later', 'c']);
  });

  test.each([[STOP], [DROP]])('ends the chain with what it resolves to (%s)', async (verdict) => {
    const acc = accumulator();
    const chain = chainOf(new FakeHost(), [async () => verdict, noting('b')]);
    expect(await chain.run(acc, {})).toBe(verdict);
    expect(ran(acc)).toBeUndefined();
  });

  test('may be followed by another one', async () => {
    const acc = accumulator();
    const slow = (name: string) => noting(name, () => sleep(2));
    expect(await chainOf(new FakeHost(), [slow('a'), slow('b'), noting('c')]).run(acc, {})).toBeUndefined();
    expect(ran(acc)).toEqual(['a', 'b', 'c']);
  });

  test('is undone and reported when it is rejected, and the chain goes on', async () => {
    const host = new FakeHost();
    const acc = accumulator();
    const slow = noting('slow', async (a) => {
      await sleep(2);
      a.append('test', 'ran', 'slow, later');
      fail();
    });
    expect(await chainOf(host, [noting('a'), slow, noting('c')]).run(acc, {})).toBeUndefined();
    expect(ran(acc)).toEqual(['a', 'c']);
    expect(host.failures).toHaveLength(1);
  });

  test('fails when it resolves to something it may not', async () => {
    const host = new FakeHost();
    expect(await chainOf(host, [async () => 'yes']).run(accumulator(), {})).toBeUndefined();
    expect(host.failures[0]!.cause).toBeInstanceOf(TypeError);
  });

  test('fails when it misses its deadline', async () => {
    const host = new FakeHost(5);
    const acc = accumulator();
    const never = noting('never', () => new Promise(() => {}));
    expect(await chainOf(host, [never, noting('b')]).run(acc, {})).toBeUndefined();
    expect(ran(acc)).toEqual(['b']);
    expect(host.failures[0]!.cause).toBeInstanceOf(HandlerDeadlineError);
  });

  test('may be rejected after its deadline without harm', async () => {
    const host = new FakeHost(5);
    const late = () => sleep(20).then(fail);
    await chainOf(host, [late]).run(accumulator(), {});
    await sleep(30);
    expect(host.failures).toHaveLength(1);
  });

  test('ends a closed chain with STOP when it is rejected or late', async () => {
    const host = new FakeHost(5);
    const handlers: AnyHandler[] = [async () => fail(), () => new Promise(() => {}), async () => 1];
    for (const handler of handlers) {
      const acc = accumulator();
      expect(await chainOf(host, [handler, noting('b')], {}).run(acc, {})).toBe(STOP);
      expect(ran(acc)).toBeUndefined();
    }
    expect(host.failures).toHaveLength(3);
  });

  test('finds the stanza intact after the buffer that it was read from was used again', async () => {
    const { acc, overwrite } = readFromBuffer();
    const chain = chainOf(new FakeHost(), [() => sleep(2)]);
    const result = chain.run(acc, {});
    overwrite();
    await result;
    expect(acc.stanza!.element.childText('body')).toBe('hello');
  });

  test('leaves the original stanza intact when it replaced it and then failed', async () => {
    const { acc, overwrite } = readFromBuffer();
    const original = acc.stanza;
    const chain = chainOf(new FakeHost(), [
      async (a: Accumulator) => {
        a.updateStanza(a.stanza!.append('<extra/>'));
        await sleep(2);
        fail();
      },
    ]);
    const result = chain.run(acc, {});
    overwrite();
    await result;
    expect(acc.stanza).toBe(original);
    expect(acc.stanza!.element.childText('body')).toBe('hello');
  });
});

/** An accumulator whose stanza lies in a reader's buffer, and what happens to that buffer next. */
function readFromBuffer(): { acc: Accumulator; overwrite: () => void } {
  const buffer = Buffer.from('<message><body>hello</body></message>');
  const scanner = new Scanner();
  scanner.enter(
    new StreamContext('stream:stream', [{ prefix: '', uri: NS_CLIENT }], {
      stanzaBytesMax: 1000,
      elementsMax: 10,
      depthMax: 10,
      attributesMax: 10,
      nameBytesMax: 100,
      namespacesMax: 10,
    }),
  );
  expect(scanner.scan(buffer, 0, buffer.length)).toBe(Scan.ELEMENT);
  const acc = accumulator(Stanza.read(scanner, buffer, StanzaKind.MESSAGE, 'message'));
  return { acc, overwrite: () => buffer.fill('x') };
}

describe('a chain over a value', () => {
  const plus = (n: number) => (value: number) => value + n;

  test('gives each handler what the one before returned', () => {
    expect(chainOf(new FakeHost(), [plus(1), plus(10), plus(100)]).fold(0, {})).toBe(111);
  });

  test('keeps the value when a handler returns nothing', () => {
    expect(chainOf(new FakeHost(), [plus(1), () => undefined, plus(1)]).fold(0, {})).toBe(2);
  });

  test('ends with the value of a stop', () => {
    const chain = chainOf(new FakeHost(), [plus(1), (value: number) => stop(value + 10), plus(100)]);
    expect(chain.fold(0, {})).toBe(11);
  });

  test('may stop with undefined, null or false', () => {
    for (const value of [undefined, null, false]) {
      expect(chainOf(new FakeHost(), [() => stop(value)]).fold<unknown>(1, {})).toBe(value);
    }
  });

  test('takes false, null, 0 and the empty string for values', () => {
    for (const value of [false, null, 0, '']) {
      expect(chainOf(new FakeHost(), [() => value]).fold<unknown>(1, {})).toBe(value);
    }
  });

  test('gives handlers the parameters and their registration', () => {
    const seen: unknown[] = [];
    chainOf(new FakeHost(), [(...args) => void seen.push(args)]).fold('value', { a: 1 });
    expect(seen).toEqual([['value', { a: 1 }, EXTRA]]);
  });

  test('counts its runs', () => {
    const chain = chainOf(new FakeHost(), [plus(1)]);
    chain.fold(0, {});
    expect(chain.runs).toBe(1);
  });

  test('goes on with the old value after a failure, and reports the value that the handler got', () => {
    const host = new FakeHost();
    expect(chainOf(host, [plus(1), fail, plus(10)]).fold(0, {})).toBe(11);
    expect(host.failures).toEqual([
      { hook: 'test_hook', module: 'mod_1', acc: 1, cause: expect.objectContaining({ message: 'broken' }) },
    ]);
  });

  test.each([[STOP], [DROP]])('treats %s as a failure: a value is ended with stop(value)', (verdict) => {
    const host = new FakeHost();
    expect(chainOf(host, [() => verdict, plus(1)]).fold(0, {})).toBe(1);
    expect(host.failures[0]!.cause).toBeInstanceOf(TypeError);
    expect(chainOf(host, [() => verdict], { refusal: 'deny' }).fold('allow', {})).toBe('deny');
  });

  test('ends with the refusal where the hook is closed on failure', () => {
    const host = new FakeHost();
    const chain = chainOf(host, [fail, () => 'allow'], { refusal: 'deny' });
    expect(chain.fold('allow', {})).toBe('deny');
    expect(host.failures).toHaveLength(1);
  });

  test('suspends at a promise and goes on with what it resolves to', async () => {
    const slow = async (value: number) => {
      await sleep(2);
      return value + 10;
    };
    const result = chainOf(new FakeHost(), [plus(1), slow, plus(100)]).fold(0, {});
    expect(result).toBeInstanceOf(Promise);
    expect(await result).toBe(111);
  });

  test('ends with the value of a stop that a promise resolves to', async () => {
    const chain = chainOf(new FakeHost(), [async () => stop('deny'), () => 'allow']);
    expect(await chain.fold('allow', {})).toBe('deny');
  });

  test('goes on with the old value when a promise is rejected, late or resolves to nonsense', async () => {
    const host = new FakeHost(5);
    const handlers: AnyHandler[] = [async () => fail(), () => new Promise(() => {}), async () => STOP];
    expect(await chainOf(host, [plus(1), ...handlers, plus(10)]).fold(0, {})).toBe(11);
    expect(host.failures.map((failure) => failure.acc)).toEqual([1, 1, 1]);
  });

  test('ends with the refusal when a promise of a closed hook is rejected or late', async () => {
    const host = new FakeHost(5);
    const handlers: AnyHandler[] = [async () => fail(), () => new Promise(() => {}), async () => DROP];
    for (const handler of handlers) {
      const chain = chainOf(host, [handler, () => 'allow'], { refusal: 'deny' });
      expect(await chain.fold('allow', {})).toBe('deny');
    }
  });
});

describe('a traced stanza', () => {
  test('notes every handler with module, outcome and time', () => {
    const acc = accumulator();
    const trace = new FakeTrace();
    acc.trace = trace;
    chainOf(new FakeHost(), [noting('a'), fail, () => STOP]).run(acc, {});
    expect(trace.steps).toEqual([
      { step: 'test_hook 50', module: 'mod_0', outcome: 'ok', us: expect.any(Number) },
      { step: 'test_hook 50', module: 'mod_1', outcome: 'failed: Error: broken', us: expect.any(Number) },
      { step: 'test_hook 50', module: 'mod_2', outcome: 'stop', us: expect.any(Number) },
    ]);
  });

  test('goes through the same handlers with the same verdict, also after a promise', async () => {
    const acc = accumulator();
    acc.trace = new FakeTrace();
    const chain = chainOf(new FakeHost(), [noting('a'), () => sleep(2), noting('c', () => DROP)]);
    expect(await chain.run(acc, {})).toBe(DROP);
    expect(ran(acc)).toEqual(['a', 'c']);
  });

  test('is undone like any other when a handler throws', () => {
    const acc = accumulator();
    acc.trace = new FakeTrace();
    chainOf(new FakeHost(), [noting('a'), noting('b', fail), noting('c')]).run(acc, {});
    expect(ran(acc)).toEqual(['a', 'c']);
  });

  test('ends a closed chain at a failure', () => {
    const acc = accumulator();
    acc.trace = new FakeTrace();
    expect(chainOf(new FakeHost(), [fail, noting('b')], {}).run(acc, {})).toBe(STOP);
  });

  test('only tells of handlers with effects when the route is merely explained', () => {
    const acc = accumulator();
    const trace = new FakeTrace(true);
    acc.trace = trace;
    const entry = { fn: noting('store'), module: 'mod_mam', priority: 60, extra: EXTRA, hasEffects: true };
    const chain = new Chain('test_hook', [entry], new FakeHost(), false, undefined);
    expect(chain.run(acc, {})).toBeUndefined();
    expect(ran(acc)).toBeUndefined();
    expect(trace.steps).toEqual([{ step: 'test_hook 60', module: 'mod_mam', outcome: 'would run' }]);
  });

  test('does not wait for promises when the route is merely explained', () => {
    const acc = accumulator();
    acc.trace = new FakeTrace(true);
    const chain = chainOf(new FakeHost(), [async () => fail(), noting('b')]);
    expect(chain.run(acc, {})).toBeUndefined();
    expect(ran(acc)).toEqual(['b']);
  });
});
