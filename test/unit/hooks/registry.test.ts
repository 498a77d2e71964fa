import { beforeEach, describe, expect, test } from 'vitest';
import { STOP } from '../../../src/hooks/chain.ts';
import { type Handler, HOOK_INDEX, HOOK_NAMES, type HookName } from '../../../src/hooks/points.ts';
import { type ChainTable, EMPTY_TABLE, GLOBAL, HookRegistry } from '../../../src/hooks/registry.ts';
import { accumulator, FakeHost } from './fakes.ts';

const TAG = 'localhost';

let host: FakeHost;
let registry: HookRegistry;
let warnings: unknown[];

beforeEach(() => {
  host = new FakeHost();
  warnings = [];
  registry = new HookRegistry(host, (text, fields) => warnings.push({ text, ...fields }));
});

function chain(table: ChainTable, hook: HookName) {
  return table[HOOK_INDEX[hook]]!;
}

function modules(hook: HookName, tag = TAG): string[] {
  return (chain(registry.compile(tag), hook)?.entries ?? []).map((entry) => entry.module);
}

function addMessageHandler(module: string, priority: number, tag = TAG): void {
  registry.add('user_send_message', tag, priority, module, () => undefined);
}

describe('order', () => {
  test('puts the lower priority first, whatever the order of registration', () => {
    addMessageHandler('late', 90);
    addMessageHandler('early', 1);
    addMessageHandler('middle', 50);
    expect(modules('user_send_message')).toEqual(['early', 'middle', 'late']);
  });

  test('keeps the order of registration between equal priorities', () => {
    for (const module of ['c', 'a', 'b']) addMessageHandler(module, 50);
    addMessageHandler('first', 49);
    expect(modules('user_send_message')).toEqual(['first', 'c', 'a', 'b']);
  });

  test('compares priorities as numbers', () => {
    addMessageHandler('hundred', 100);
    addMessageHandler('twenty', 20);
    addMessageHandler('three', 3);
    expect(modules('user_send_message')).toEqual(['three', 'twenty', 'hundred']);
  });

  test('puts a module that was removed and added again behind its equals', () => {
    addMessageHandler('a', 50);
    addMessageHandler('b', 50);
    registry.removeModule('a', TAG);
    addMessageHandler('a', 50);
    expect(modules('user_send_message')).toEqual(['b', 'a']);
  });
});

describe('adding', () => {
  test('refuses priorities that are not positive integers', () => {
    for (const priority of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => addMessageHandler('a', priority)).toThrow(RangeError);
    }
    expect(modules('user_send_message')).toEqual([]);
  });

  test('accepts priority 1', () => {
    addMessageHandler('a', 1);
    expect(modules('user_send_message')).toEqual(['a']);
  });

  test('refuses names that are no hooks, also those that every object has', () => {
    for (const name of [
      'user_send_mesage',
      'offline_message_hook',
      'toString',
      'constructor',
      '__proto__',
      '',
    ]) {
      expect(() => registry.add(name as HookName, TAG, 50, 'a', () => undefined)).toThrow(RangeError);
    }
  });

  test('refuses a handler that is no function', () => {
    const handler = undefined as unknown as Handler<'user_send_message'>;
    expect(() => registry.add('user_send_message', TAG, 50, 'a', handler)).toThrow(TypeError);
  });

  test('ignores the same handler with the same priority and says so', () => {
    const handler = () => undefined;
    registry.add('user_send_message', TAG, 50, 'a', handler);
    registry.add('user_send_message', TAG, 50, 'a', handler);
    expect(modules('user_send_message')).toEqual(['a']);
    expect(warnings).toEqual([
      { text: 'duplicated_handler', hook: 'user_send_message', tag: TAG, priority: 50, module: 'a' },
    ]);
  });

  test('takes another priority, hook, tag, module or function for another handler', () => {
    const handler = () => undefined;
    registry.add('user_send_message', TAG, 50, 'a', handler);
    registry.add('user_send_message', TAG, 51, 'a', handler);
    registry.add('user_send_message', TAG, 50, 'b', handler);
    registry.add('user_send_message', TAG, 50, 'a', () => undefined);
    registry.add('user_send_message', 'other', 50, 'a', handler);
    registry.add('user_send_packet', TAG, 50, 'a', handler);
    expect(modules('user_send_message')).toEqual(['a', 'b', 'a', 'a']);
    expect(modules('user_send_message', 'other')).toEqual(['a']);
    expect(modules('user_send_packet')).toEqual(['a']);
    expect(warnings).toEqual([]);
  });

  test('accepts handlers for retired hooks', () => {
    registry.add('get_pep_recipients', TAG, 75, 'mod_old', (jids) => jids);
    expect(modules('get_pep_recipients')).toEqual(['mod_old']);
  });

  test('tells handlers what they were registered for', () => {
    const seen: unknown[] = [];
    registry.add('user_send_message', TAG, 50, 'a', (_acc, _params, extra) => void seen.push(extra));
    registry.add('filter_packet', GLOBAL, 50, 'a', (_acc, _params, extra) => void seen.push(extra));
    chain(registry.compile(TAG), 'user_send_message').run(accumulator(), {});
    chain(registry.compile(GLOBAL), 'filter_packet').run(accumulator(), {});
    expect(seen).toEqual([
      { hook_name: 'user_send_message', hook_tag: TAG, host_type: TAG },
      { hook_name: 'filter_packet', hook_tag: 'global', host_type: undefined },
    ]);
  });
});

describe('tags', () => {
  test('keep host types apart from each other and from global handlers', () => {
    addMessageHandler('a', 50, 'one');
    addMessageHandler('b', 50, 'two');
    addMessageHandler('c', 50, GLOBAL);
    expect(modules('user_send_message', 'one')).toEqual(['a']);
    expect(modules('user_send_message', 'two')).toEqual(['b']);
    expect(modules('user_send_message', GLOBAL)).toEqual(['c']);
    expect(modules('user_send_message', 'three')).toEqual([]);
  });
});

describe('removing a module', () => {
  test('removes all of its handlers of that tag and nothing else', () => {
    addMessageHandler('a', 50);
    addMessageHandler('a', 60);
    addMessageHandler('b', 50);
    addMessageHandler('a', 50, 'other');
    const store: Handler<'offline_message'> = () => STOP;
    registry.add('offline_message', TAG, 50, 'a', store);
    registry.removeModule('a', TAG);
    expect(modules('user_send_message')).toEqual(['b']);
    expect(modules('offline_message')).toEqual([]);
    expect(modules('user_send_message', 'other')).toEqual(['a']);
  });

  test('that is unknown changes nothing', () => {
    addMessageHandler('a', 50);
    registry.removeModule('b', TAG);
    registry.removeModule('a', 'other');
    expect(modules('user_send_message')).toEqual(['a']);
  });

  test('leaves no chain where it was the only one', () => {
    addMessageHandler('a', 50);
    registry.removeModule('a', TAG);
    expect(registry.compile(TAG)).toEqual(EMPTY_TABLE);
  });
});

describe('compiling', () => {
  test('has a place for every hook, and null where nobody registered', () => {
    addMessageHandler('a', 50);
    const table = registry.compile(TAG);
    expect(table).toHaveLength(HOOK_NAMES.length);
    expect(table.filter((entry) => entry !== null)).toHaveLength(1);
    expect(EMPTY_TABLE.every((entry) => entry === null)).toBe(true);
  });

  test('is what makes changes visible: an older table stays as it was', () => {
    addMessageHandler('a', 50);
    const before = registry.compile(TAG);
    addMessageHandler('b', 40);
    registry.removeModule('a', TAG);
    expect(chain(before, 'user_send_message').entries.map((entry) => entry.module)).toEqual(['a']);
    expect(modules('user_send_message')).toEqual(['b']);
  });

  test('raises the version', () => {
    expect(registry.version).toBe(0);
    registry.compile(TAG);
    registry.compile(TAG);
    expect(registry.version).toBe(2);
  });

  test('keeps the runs counted so far', () => {
    addMessageHandler('a', 50);
    const before = registry.compile(TAG);
    chain(before, 'user_send_message').run(accumulator(), {});
    chain(before, 'user_send_message').run(accumulator(), {});
    addMessageHandler('b', 50);
    registry.add('user_send_packet', TAG, 50, 'b', () => undefined);
    const after = registry.compile(TAG, before);
    expect(chain(after, 'user_send_message').runs).toBe(2);
    expect(chain(after, 'user_send_packet').runs).toBe(0);
  });

  test('takes over from the declaration how failures are treated', () => {
    const broken = () => {
      throw new Error('broken');
    };
    registry.add('session_opening_allowed_for_user', TAG, 50, 'a', broken);
    registry.add('privacy_check_packet', TAG, 50, 'a', broken);
    registry.add('user_open_session', TAG, 50, 'a', broken);
    registry.add('user_send_message', TAG, 50, 'a', broken);
    registry.add('s2s_allow_host', GLOBAL, 50, 'a', broken);
    const table = registry.compile(TAG);
    expect(chain(table, 'session_opening_allowed_for_user').fold('allow', {})).toBe('deny');
    expect(chain(table, 'privacy_check_packet').run(accumulator(), {})).toBe(STOP);
    expect(chain(table, 'user_open_session').run(accumulator(), {})).toBe(STOP);
    expect(chain(table, 'user_send_message').run(accumulator(), {})).toBeUndefined();
    expect(chain(registry.compile(GLOBAL), 's2s_allow_host').fold('allow', {})).toBe('deny');
  });

  test('reports failures of handlers to the host', () => {
    registry.add('user_send_message', TAG, 50, 'mod_broken', () => {
      throw new Error('broken');
    });
    chain(registry.compile(TAG), 'user_send_message').run(accumulator(), {});
    expect(host.failures).toMatchObject([{ hook: 'user_send_message', module: 'mod_broken' }]);
  });

  test('remembers which handlers have effects', () => {
    registry.add('user_send_message', TAG, 50, 'a', () => undefined, { hasEffects: true });
    registry.add('user_send_message', TAG, 60, 'b', () => undefined);
    const { entries } = chain(registry.compile(TAG), 'user_send_message');
    expect(entries.map((entry) => entry.hasEffects)).toEqual([true, false]);
  });
});
