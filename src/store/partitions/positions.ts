import type { ArchiveFilter } from '../operations/archive.ts';
import type { ArchiveMarks } from '../operations/archive-parts.ts';
import { askAll, type Part } from './parts.ts';

const ID_MAX = (1n << 63n) - 1n;
/** Marks that each partition gives. */
const MARKS = 200;
/** Each round leaves less than a tenth of the messages: this is enough for more than there can be. */
const ROUNDS_MAX = 20;

/**
 * The message with so many others before it among all that are meant, or undefined if there are not that many. While messages come and go it is one that was there for a
 * moment, or the id behind it.
 *
 * Each partition gives marks at even distances; between two of them lies the message that is looked for; then they are asked about what lies between these.
 */
export async function messageAt(
  parts: readonly Part[],
  filter: ArchiveFilter,
  position: number,
  most = MARKS,
): Promise<bigint | undefined> {
  let low = 0n;
  let high = ID_MAX;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const marks = await askAll(parts, 'archive_part_marks', filter, low, high, most);
    const skipped = sumOf(marks.map((one) => one.skipped));
    const total = sumOf(marks.map((one) => one.total));
    if (position < skipped) return low;
    if (position >= skipped + total) return high === ID_MAX ? undefined : high + 1n;
    const ids = marks.flatMap((one) => one.ids).sort((a, b) => (a < b ? -1 : 1));
    if (ids.length === total) return ids[position - skipped];
    let next = high;
    for (const id of ids) {
      const [least, most] = before(marks, id);
      if (most <= position) low = id;
      if (least <= position) continue;
      next = id - 1n;
      break;
    }
    high = next;
  }
  throw new Error('the archive changes too much to tell positions in it');
}

/** How many messages come before one, at least and at most. */
function before(all: readonly ArchiveMarks[], id: bigint): [least: number, most: number] {
  let least = 0;
  let most = 0;
  for (const { skipped, total, step, ids } of all) {
    const mark = firstFrom(ids, id);
    const isHere = ids[mark] === id;
    const exact = mark * step;
    least += skipped + (isHere ? exact : mark === 0 ? 0 : (mark - 1) * step + 1);
    most += skipped + (mark < ids.length ? exact : total);
  }
  return [least, most];
}

/** Where the first id that is not less than another one is. */
function firstFrom(ids: readonly bigint[], id: bigint): number {
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}
