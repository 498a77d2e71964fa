import type { PrivacyChange, StoredPrivacyItem, StoredPrivacyList } from './operations/privacy.ts';

/** The name of the list that the blocking command makes for a user who has no default list. */
const BLOCKING = 'blocking';
/** The place of the first item there: further ones come before it. Orders are unsigned 32-bit numbers. */
const FIRST_ORDER = 2 ** 31;

/** One user's lists, wherever they are kept. */
export interface PrivacyShelf {
  get(name: string): StoredPrivacyList | undefined;
  put(list: StoredPrivacyList): void;
  /** False when there was none. */
  delete(name: string): boolean;
  count(): number;
  default: string | undefined;
}

/** What the operations of privacy lists do, over any way of keeping them. Nothing is written before it is clear that all can be. */

export function defaultList(shelf: PrivacyShelf): StoredPrivacyList | undefined {
  return shelf.default === undefined ? undefined : shelf.get(shelf.default);
}

/** See `privacy_set`. Whom the blocking command had blocked stays so marked. */
export function setList(
  shelf: PrivacyShelf,
  list: StoredPrivacyList,
  listsMax: number,
): PrivacyChange | 'too_many' {
  const old = shelf.get(list.name);
  if (old === undefined && shelf.count() >= listsMax) return 'too_many';
  const byCommand = new Set(old?.items.filter((item) => item[2] === 'b').map(([, jid]) => jid));
  const items = list.items.map((item): StoredPrivacyItem => {
    const [type, value, , order, kinds] = item;
    return isBlocking(item) && byCommand.has(value) ? [type, value, 'b', order, kinds] : item;
  });
  return changing(shelf, list.name, () => shelf.put({ name: list.name, items }));
}

/** See `privacy_remove`. */
export function removeList(shelf: PrivacyShelf, name: string): PrivacyChange | null {
  if (shelf.get(name) === undefined) return null;
  return changing(shelf, name, () => {
    if (shelf.default === name) shelf.default = undefined;
    shelf.delete(name);
  });
}

/** See `privacy_set_default`. */
export function setDefault(shelf: PrivacyShelf, name: string | null): PrivacyChange | null {
  if (name !== null && shelf.get(name) === undefined) return null;
  return changing(shelf, name ?? '', () => {
    shelf.default = name ?? undefined;
  });
}

/** See `privacy_block`. */
export function block(
  shelf: PrivacyShelf,
  jids: readonly string[],
  itemsMax: number,
  listsMax: number,
): PrivacyChange | 'too_many' {
  const name = defaultList(shelf)?.name ?? BLOCKING;
  const old = shelf.get(name);
  if (old === undefined && shelf.count() >= listsMax) return 'too_many';
  const items = old?.items ?? [];
  const blocked = new Set(blockedIn(items));
  const fresh = [...new Set(jids)].filter((jid) => !blocked.has(jid));
  if (items.length + fresh.length > itemsMax) return 'too_many';
  return changing(shelf, name, () => {
    if (fresh.length > 0) shelf.put({ name, items: withFirst(fresh, items) });
    shelf.default = name;
  });
}

/** See `privacy_unblock`. The list of the blocking command goes with its last item. */
export function unblock(shelf: PrivacyShelf, jids: readonly string[] | null): PrivacyChange | null {
  const list = defaultList(shelf);
  if (list === undefined) return null;
  const wanted = jids === null ? undefined : new Set(jids);
  const items = list.items.filter((item) => !isBlocking(item) || wanted?.has(item[1]) === false);
  return changing(shelf, list.name, () => {
    if (items.length > 0 || list.name !== BLOCKING) shelf.put({ name: list.name, items });
    else {
      shelf.default = undefined;
      shelf.delete(list.name);
    }
  });
}

/** New items come first (XEP-0191 §5); the others keep their numbers as long as there is room before them. */
function withFirst(jids: readonly string[], items: readonly StoredPrivacyItem[]): StoredPrivacyItem[] {
  const first = items[0]?.[3] ?? FIRST_ORDER;
  const hasRoom = first >= jids.length;
  const start = (hasRoom ? first : FIRST_ORDER) - jids.length;
  const added = jids.map((jid, i): StoredPrivacyItem => ['j', jid, 'b', start + i, 0]);
  const kept = hasRoom
    ? items
    : items.map(
        ([type, value, action, , kinds], i): StoredPrivacyItem => [
          type,
          value,
          action,
          FIRST_ORDER + i,
          kinds,
        ],
      );
  return [...added, ...kept];
}

/** Whether an item is one of the block list: it denies everything to a JID. */
function isBlocking([type, , action, , kinds]: StoredPrivacyItem): boolean {
  return type === 'j' && action !== 'a' && kinds === 0;
}

function blockedIn(items: readonly StoredPrivacyItem[]): string[] {
  return items.filter(isBlocking).map(([, jid]) => jid);
}

/** Changes the shelf, and tells what that did to the block list. */
function changing(shelf: PrivacyShelf, list: string, change: () => void): PrivacyChange {
  const before = new Set(blockedIn(defaultList(shelf)?.items ?? []));
  change();
  const after = new Set(blockedIn(defaultList(shelf)?.items ?? []));
  return {
    list,
    blocked: [...after].filter((jid) => !before.has(jid)),
    unblocked: [...before].filter((jid) => !after.has(jid)),
  };
}
