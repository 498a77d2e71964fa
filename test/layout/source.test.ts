import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Habits of the source that a threat depends on and that can be seen in it. */

const SRC = new URL('../../src', import.meta.url).pathname;
const FILES = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

function linesWith(pattern: RegExp): string[] {
  return FILES.flatMap((name) =>
    readFileSync(join(SRC, name), 'utf8')
      .split('\n')
      .filter((line) => pattern.test(line) && !/^\s*(\*|\/\*\*|\/\/)/.test(line))
      .map((line) => `${name}: ${line.trim()}`),
  );
}

describe('time (threat T73)', () => {
  it('of the wall clock is for people and for storage; what waits, waits by the monotonic clock', () => {
    /** Stamps of stanzas and accounts, and dates of certificates, tokens and reports. */
    const WALL_CLOCK = [
      'admin/server-facts.ts',
      'admin/stats.ts',
      'admin/trace-hub.ts',
      'auth/jwt.ts',
      'modules/mod-register/registration.ts',
      'modules/mod-time.ts',
      'shard/account-store.ts',
      'shard/clock.ts',
      'store/removed.ts',
      'supervisor/self-signed.ts',
      'supervisor/server.ts',
    ];
    const users = linesWith(/\bDate\.now\(\)|\bnew Date\(\)/).map((line) => line.split(':')[0]!);
    expect(
      [...new Set(users)].filter((name) => !name.startsWith('cli/') && !WALL_CLOCK.includes(name)),
    ).toEqual([]);
  });
});

describe('regular expressions (threat T55)', () => {
  /** A repetition inside of a repetition: what makes some of them exponential. */
  const NESTED = /\/[^/\n]*\((?:[^()\\]|\\.)*(?:[^\\(?]|\\.)[*+](?:[^()\\]|\\.)*\)(?:[*+]|\{\d+,\})/;

  it('repeat nothing that repeats', () => {
    // The operator's own file, with nothing behind it that could fail; the kernel's version; a comment on the subject.
    const harmless = ['config/toml-positions.ts', 'modules/mod-version.ts', 'config/linear-regexp.ts'];
    const nested = linesWith(NESTED).filter((line) => !harmless.includes(line.split(':')[0]!));
    expect(nested).toEqual([]);
  });

  it.each(['/(a+)+$/', '/^(\\w*,)*$/', "/x(?:[a-z]+\\.)+y/.test('')"])('that do are found: %s', (line) => {
    expect(NESTED.test(line)).toBe(true);
  });

  it('are literals, but for those of an operator, which take linear time, and two classes of characters', () => {
    const made = linesWith(/\bnew RegExp\(/).map((line) => line.split(':')[0]!);
    expect([...new Set(made)]).toEqual(['config/linear-regexp.ts', 'observe/escape.ts', 'xmpp/bidi-rule.ts']);
  });
});
