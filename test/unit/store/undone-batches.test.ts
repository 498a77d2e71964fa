import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OutOfOrderError } from '../../../src/store/failure.ts';
import type { StoreDriver } from '../../../src/store/operations.ts';
import { prepareArchive } from '../../../src/store/sqlite/archive-layout.ts';
import { openDriver } from '../../../src/store/sqlite/open-driver.ts';
import { record } from './partitions/support.ts';

/** Batches of kept writes in a transaction that is undone: in every file the next one is refused until they are done. */

const FIRST = 1_700_000_000_000_000;
const OWNER = 'juliet@localhost';

describe.each([0, 1])('partition %i', (partition) => {
  let directory: string;
  let driver: StoreDriver;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mk-undone-'));
    prepareArchive(directory, 2, 'normal');
    driver = openDriver(directory, 'normal', partition);
  });

  afterEach(() => {
    driver.close();
    rmSync(directory, { recursive: true });
  });

  const batch = (number: number, writes = [record(FIRST + number, 'romeo@localhost', OWNER)]): unknown =>
    driver.run('write_all', [[0, 1, number], [['archive_append', [writes]]], false]);

  it('forgets what was undone with the batch that failed', () => {
    driver.begin();
    batch(1);
    driver.commit();
    driver.begin();
    batch(2);
    expect(() => batch(3, [{} as never])).toThrow();
    expect(driver.isOpen).toBe(false);
    driver.begin();
    expect(() => batch(3)).toThrow(OutOfOrderError);
    for (const number of [2, 3]) batch(number);
    driver.commit();
    expect(driver.run('archive_size', [OWNER])).toBe(3);
  });
});
