import { GenerationCache } from '../../util/generation-cache.ts';
import type { IdRange } from './archive-ids.ts';
import type { ArchiveSelection } from './archive-selection.ts';

/** Selections whose counts are remembered. */
const SELECTIONS_MAX = 4_096;
/** Less is counted anew each time. */
const COUNT_MIN = 1_000;
/** Not up to messages of the last minute: others that came at the same time may be archived after them. */
const UNSETTLED = 60_000_000n << 8n;

/** So many messages are meant from the start of a range up to an id, itself included. */
interface Mark {
  readonly id: bigint;
  readonly count: number;
}

/** Where the last page began, and where the newest messages begin: the next page asks for much the same. */
interface Marks {
  place: Mark;
  end: Mark;
}

/** How many messages of a selection there are up to some of them: who goes through a long archive page by page has it counted once, not with every page. */
export class ArchiveCounts {
  readonly #marks = new GenerationCache<string, Marks>(SELECTIONS_MAX);
  readonly #countMin: number;
  readonly #unsettled: bigint;
  /** No mark is behind this id. */
  #last = -1n;

  constructor(countMin = COUNT_MIN, unsettled = UNSETTLED) {
    this.#countMin = countMin;
    this.#unsettled = unsettled;
  }

  /** All that are meant in a range, and those before `first`. `key` says which selection it is. */
  count(
    selection: ArchiveSelection,
    key: string,
    range: IdRange,
    first: bigint,
  ): { total: number; offset: number } {
    const start: Mark = { id: range.low - 1n, count: 0 };
    const name = `${key} ${range.low}`;
    const marks = this.#marks.get(name) ?? { place: start, end: start };
    const place = countTo(selection, [start, marks.place, marks.end], first - 1n);
    const newest = selection.ids(range, true, 1)[0] ?? start.id;
    const settled = countTo(selection, [start, place, marks.end], larger(newest - this.#unsettled, start.id));
    const end = countTo(selection, [place, settled], range.high);
    if (end.count >= this.#countMin) this.#note(name, place.id <= settled.id ? place : marks.place, settled);
    return { total: end.count, offset: place.count };
  }

  /** Messages were put into archives, none before this one. */
  added(first: bigint): void {
    if (first <= this.#last) this.clear();
  }

  /** Messages left archives, or a transaction was undone. */
  clear(): void {
    if (this.#last < 0n) return;
    this.#marks.clear();
    this.#last = -1n;
  }

  #note(name: string, place: Mark, end: Mark): void {
    this.#marks.set(name, { place, end });
    if (end.id > this.#last) this.#last = end.id;
  }
}

/** Counts from the nearest mark, forwards or backwards. */
function countTo(selection: ArchiveSelection, marks: readonly Mark[], id: bigint): Mark {
  const from = marks.reduce((best, mark) => (distance(mark.id, id) < distance(best.id, id) ? mark : best));
  if (from.id === id) return from;
  const between = id > from.id ? { low: from.id + 1n, high: id } : { low: id + 1n, high: from.id };
  const count = selection.count(between);
  return { id, count: id > from.id ? from.count + count : from.count - count };
}

function distance(a: bigint, b: bigint): bigint {
  return a < b ? b - a : a - b;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
