import { describe, expect, it } from 'vitest';
import type { Environment } from '../../../bench/lib/environment.ts';
import type { Figure } from '../../../bench/lib/figure.ts';
import { type BenchRecord, renewed } from '../../../bench/lib/record.ts';
import { benchmarksPage } from '../../../bench/lib/report.ts';

const WHERE: Environment = {
  date: '2026-02-02',
  commit: 'new',
  node: 'v26',
  kernel: '6',
  processor: 'one',
  cores: 2,
  memoryGiB: 24,
};

const figure = (name: string, summary: string): Figure => ({
  name,
  summary,
  target: undefined,
  isReached: undefined,
  details: [`${summary} in detail`],
  errors: 0,
});

describe('a record of which some is measured anew', () => {
  const former: BenchRecord = {
    ...WHERE,
    date: '2026-01-01',
    commit: 'old',
    results: [figure('stream', 'was slow'), figure('login', 'stays'), figure('given up', 'goes')],
    micro: [],
  };
  const results = renewed(
    WHERE,
    ['login', 'stream', 'idle'],
    [figure('stream', 'is fast'), figure('idle', 'is new')],
    former,
  );

  it('keeps the others, with the commit that they are of', () => {
    expect(results.map(({ name, summary, commit }) => [name, summary, commit])).toEqual([
      ['login', 'stays', 'old'],
      ['stream', 'is fast', 'new'],
      ['idle', 'is new', 'new'],
    ]);
  });

  it('says on the page what is of an earlier commit', () => {
    const page = benchmarksPage({ ...WHERE, results, micro: [] });
    expect(page).toContain('1 of the figures are of an earlier commit');
    expect(page).toContain('**login** (measured on 2026-01-01, commit old)');
    expect(page).toContain('**stream**\n');
  });
});
