import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as limits from '../../../src/limits.ts';

/** docs/security.md against the tests that it names and the limits that it tells. */

const ROOT = new URL('../../../', import.meta.url);
const page = readFileSync(new URL('docs/security.md', ROOT), 'utf8');
const [met = '', notYet = ''] = page.split('\n## Not yet\n');
const ROWS = rows(met);

function rows(text: string): string[][] {
  return [...text.matchAll(/^\| (T[0-9]{2} \|.*) \|$/gm)].map(([, row]) => row!.split(' | '));
}

/** The catalogue counts to 76, without gaps. */
const IDS = Array.from({ length: 76 }, (_, i) => `T${String(i + 1).padStart(2, '0')}`);

describe('docs/security.md', () => {
  it('has every threat of the catalogue exactly once, met or not yet, in order', () => {
    const ids = [ROWS, rows(notYet)].map((all) => all.map(([id]) => id!));
    for (const part of ids) expect(part).toEqual(part.toSorted());
    expect(ids.flat().toSorted()).toEqual(IDS);
  });

  it('says of each what happens', () => {
    for (const row of ROWS) expect(row, row.join()).toHaveLength(4);
    for (const row of rows(notYet)) expect(row, row.join()).toHaveLength(3);
    for (const cell of [...ROWS, ...rows(notYet)].flat()) expect(cell.trim()).not.toBe('');
  });

  it.each(ROWS)('%s (%s) has its tests', (id, _threat, _reaction, files) => {
    const named = [...files!.matchAll(/`([^`]+)`/g)].map(([, file]) => file!);
    expect(named.length).toBeGreaterThan(0);
    for (const file of named) {
      expect(existsSync(new URL(file, ROOT)), file).toBe(true);
      expect(readFileSync(new URL(file, ROOT), 'utf8'), `${file} names ${id}`).toMatch(
        new RegExp(`\\b${id}\\b`),
      );
    }
  });

  it('tells the limits as they are', () => {
    const before = limits.SCAN_LIMITS_BEFORE_LOGIN;
    const after = limits.SCAN_LIMITS;
    const number = (value: number): string => value.toLocaleString('en');
    const structure = ({
      elementsMax,
      depthMax,
      attributesMax,
      nameBytesMax,
      namespacesMax,
    }: typeof after): string =>
      [elementsMax, depthMax, attributesMax, nameBytesMax, namespacesMax].map(number).join(', ');
    for (const row of [
      `| ${number(before.stanzaBytesMax)}; ${number(limits.UNAUTHENTICATED_BYTES_MAX)} |`,
      `| ${structure(before)} |`,
      `| ${structure(after)} |`,
      `; ${limits.TLS_HANDSHAKE_MS_MAX / 1_000} s; ${limits.LOGIN_MS_MAX / 1_000} s |`,
      `| ${limits.SASL_FAILURES_MAX} | fixed |`,
      `| ${limits.SASL_REFUSALS_MAX} | fixed |`,
      `| ${limits.OUTGOING_BYTES_MAX / 1_048_576} MiB for longer than ${limits.OUTGOING_MS_MAX / 1_000} s; ` +
        `${limits.OUTGOING_BYTES_HARD_MAX / 1_048_576} MiB; ${limits.OUTGOING_EXCESS_BYTES_MAX / 1_048_576} MiB above`,
      `| ${number(limits.PENDING_IQS_MAX)} for ${limits.IQ_TIMEOUT_MS / 1_000} s |`,
    ])
      expect(page).toContain(row);
  });
});
