import { Element } from '../xml/element.ts';
import { NS_RSM } from './namespaces.ts';

/** Which page of a result is wanted (XEP-0059). */
export interface PageRequest {
  /** How many items at most; undefined when the request leaves that open. */
  readonly max: number | undefined;
  /** The item after, or before, which the page lies. An empty `before` means the last page. */
  readonly after: string | undefined;
  readonly before: string | undefined;
  /** The position of the first item. */
  readonly index: number | undefined;
}

/** Reads the `<set/>` among the children of `parent`: undefined when there is none, `invalid` when its numbers are none. */
export function pageRequest(parent: Element): PageRequest | undefined | 'invalid' {
  const set = parent.child('set', NS_RSM);
  if (set === undefined) return undefined;
  const max = numberOf(set.childText('max'));
  const index = numberOf(set.childText('index'));
  if (max === 'invalid' || index === 'invalid') return 'invalid';
  return { max, index, after: set.childText('after'), before: set.childText('before') };
}

function numberOf(text: string | undefined): number | undefined | 'invalid' {
  if (text === undefined) return undefined;
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : 'invalid';
}

/** A page of items that are all known and in order, and the `<set/>` that describes it. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly set: Element;
}

/**
 * Takes a page out of a whole list. `idOf` gives the unique id of an item. `unknown` when the request names an item that is not there
 * (XEP-0059 §2.5: item-not-found).
 */
export function pageOf<T>(
  all: readonly T[],
  request: PageRequest,
  idOf: (item: T) => string,
): Page<T> | 'unknown' {
  let from = 0;
  let to = all.length;
  const { max = all.length, after, before, index } = request;
  if (after !== undefined && after !== '') {
    const found = all.findIndex((item) => idOf(item) === after);
    if (found < 0) return 'unknown';
    from = found + 1;
  }
  if (before !== undefined && before !== '') {
    const found = all.findIndex((item) => idOf(item) === before);
    if (found < 0) return 'unknown';
    to = found;
  }
  if (index !== undefined) from = Math.min(index, all.length);
  // Backwards: the page ends there, rather than beginning at the start.
  if (before !== undefined) from = Math.max(from, to - max);
  const items = all.slice(from, Math.min(to, from + max));
  return { items, set: setElement(items.map(idOf), from, all.length) };
}

/** XEP-0059 §2.6: an empty page has neither first nor last. */
function setElement(ids: readonly string[], index: number, count: number): Element {
  const set = Element.of('set', NS_RSM);
  const [first] = ids;
  const last = ids.at(-1);
  if (first !== undefined && last !== undefined) {
    set.children.push(
      Element.of('first', NS_RSM, { index: String(index) }, first),
      Element.of('last', NS_RSM, {}, last),
    );
  }
  set.children.push(Element.of('count', NS_RSM, {}, String(count)));
  return set;
}
