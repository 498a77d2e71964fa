/**
 * One item of a privacy list, as it is kept: what `value` is (`j` a JID, `g` a group, `s` a subscription, `n` nothing: everybody), the value,
 * the action (`a` allow, `d` deny, `b` block: a denial by the blocking command), the place in the order, and the kinds of stanzas as a bit
 * set (1 message, 2 iq, 4 presence-in, 8 presence-out; 0: all stanzas).
 */
export type StoredPrivacyItem = readonly [
  type: 'j' | 'g' | 's' | 'n',
  value: string,
  action: 'a' | 'd' | 'b',
  order: number,
  kinds: number,
];

/** A privacy list with its items in their order. */
export interface StoredPrivacyList {
  readonly name: string;
  readonly items: readonly StoredPrivacyItem[];
}

/** What a change did: to which list, and whom the default list blocks now and whom no longer (whole JIDs, every stanza: XEP-0191). */
export interface PrivacyChange {
  readonly list: string;
  readonly blocked: readonly string[];
  readonly unblocked: readonly string[];
}

/** Privacy lists (XEP-0016) and the block list (XEP-0191), which is the part of the default list that denies everything to a JID. */
export interface PrivacyOperations {
  /** The names of a user's lists in order, and which is the default. */
  privacy_names: {
    args: [domain: string, username: string];
    result: { readonly names: string[]; readonly default: string | null };
  };
  /** A list by its name, or the default list if `name` is null. Null when there is none. */
  privacy_list: {
    args: [domain: string, username: string, name: string | null];
    result: StoredPrivacyList | null;
  };
  /** Makes or replaces a list. `too_many`: the user has `listsMax` others already. */
  privacy_set: {
    args: [domain: string, username: string, list: StoredPrivacyList, listsMax: number];
    result: PrivacyChange | 'too_many';
  };
  /** Removes a list, which is not the default any more. Null when there is none of that name. */
  privacy_remove: { args: [domain: string, username: string, name: string]; result: PrivacyChange | null };
  /** Makes a list the default, or no list (`name` null). Null when there is none of that name. */
  privacy_set_default: {
    args: [domain: string, username: string, name: string | null];
    result: PrivacyChange | null;
  };
  /**
   * Blocks JIDs: puts them first in the default list; without one, in the list `blocking`, which becomes the default. `too_many`: the list
   * would have more than `itemsMax` items, or the user more than `listsMax` lists; then nothing is changed.
   */
  privacy_block: {
    args: [domain: string, username: string, jids: readonly string[], itemsMax: number, listsMax: number];
    result: PrivacyChange | 'too_many';
  };
  /** Takes JIDs, or all (null), out of the block list. Null when there is no default list. */
  privacy_unblock: {
    args: [domain: string, username: string, jids: readonly string[] | null];
    result: PrivacyChange | null;
  };
  /** Everything of a user, for the export of personal data. */
  privacy_export: {
    args: [domain: string, username: string];
    result: { readonly lists: StoredPrivacyList[]; readonly default: string | null };
  };
  privacy_remove_user: { args: [domain: string, username: string]; result: number };
  privacy_remove_domain: { args: [domain: string]; result: number };
}

/** Those that write nothing. */
export const PRIVACY_READS = [
  'privacy_names',
  'privacy_list',
  'privacy_export',
] as const satisfies readonly (keyof PrivacyOperations)[];
